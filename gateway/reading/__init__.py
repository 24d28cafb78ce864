"""The reading of one request's body, and who may send one: deadlines and parts (`request_body`), forms without parts
(`urlencoded`), the small forms of the pages (`short_form`), what is typed and not sent yet (`typed_text`), who gives
way when too many upload (`upload_slots`), when files are switched off (`file_valve`).
"""
