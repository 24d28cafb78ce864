"""Lets untrusted bytes be examined; answers with a Verdict; imports nothing of ours."""
