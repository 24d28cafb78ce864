"""The commands of each station: arguments, answers and words for people; the stations do the work."""
