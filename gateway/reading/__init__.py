"""The reading of one request's body, and who may send one: deadlines and parts (`request_body`), forms without parts
(`urlencoded`), the small forms of the pages (`short_form`), what is typed and not sent yet (`typed_text`), the
fields of either (`kept_fields`); what a body takes of the whole (`body_room`): of the memory (`text_memory`) and of the
places of large uploads (`upload_slots`); when files are switched off (`file_valve`).
"""
