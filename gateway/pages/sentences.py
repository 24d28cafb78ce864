"""Our own sentences that depend on a value: one for each member of the closed sets, marked for translation.

Each is English here and translated where it is shown. The wording never suggests that the person who complains is the
problem.
"""

from typing import Final

from gateway.pages.catalogues import marked
from gateway.problems import Problem, RefusedReason
from gateway.views import ReturnProblem, Withdrawal
from quarantine.findings import Code
from transfer.packet.message import MessageKind, Origin, Relation, Side

KINDS: Final[dict[MessageKind, str]] = {
    MessageKind.COMPLAINT: marked("A complaint"),
    MessageKind.QUESTION: marked("A question or comment"),
}
SIDES: Final[dict[Side, str]] = {
    Side.COMPLAINED_ABOUT: marked("is the one it is about"),
    Side.ON_MY_SIDE: marked("is on my side"),
    Side.INVOLVED: marked("is involved otherwise"),
}
# Whoever works at the body says so in a box of its own, for whistleblowing law asks that one thing.
RELATIONS: Final[dict[Relation, str]] = {
    Relation.PARTICIPANT: marked("a participant"),
    Relation.PARTNER: marked("a partner"),
    Relation.CUSTOMER: marked("a customer"),
    Relation.USER: marked("a user of its services"),
    Relation.RELATIVE: marked("a relative of someone concerned"),
    Relation.OTHER: marked("something else"),
}
ORIGINS: Final[dict[Origin, str]] = {
    Origin.OWN: marked("is my own"),
    Origin.POWER_OF_ATTORNEY: marked("belongs to someone who gave me a power of attorney (please attach it)"),
    Origin.PASSED_ON: marked("is passed on for someone"),
    Origin.COPY: marked("is a copy of a complaint already sent"),
    Origin.CONVERSATION: marked("was told to me, and I write it down"),
}
READ_BACK: Final[dict[str, str]] = {"yes": marked("Yes"), "no": marked("No")}
PROBLEMS: Final[dict[Problem, str]] = {
    Problem.EMPTY: marked("There was neither a message nor a file. Please write a few words or choose a file."),
    Problem.NOTHING_ACCEPTABLE: marked("None of the files could be accepted, and there was no message."),
    Problem.TOO_LARGE: marked("The text and the files together are larger than what can be sent here at once."),
    Problem.TEXT_TOO_LONG: marked("The text is too long for the form. Please send it as a text file (.txt)."),
    Problem.FIELD_TOO_LONG: marked(
        "One of the fields is longer than the form allows. Please move its content into the text."
    ),
    Problem.MALFORMED: marked("What your browser sent arrived damaged. Please try again."),
    Problem.NO_LENGTH: marked("Your browser or program did not say how much it would send. Please try another one."),
    Problem.WRONG_TYPE: marked(
        "What was sent is not one of the two kinds of form that are taken here. The form on this site sends the right "
        "one, in every browser."
    ),
    Problem.TOO_SLOW: marked(
        "The upload stopped, or was too slow. Please try again; send the text first, without files."
    ),
    Problem.BUSY: marked("Too many people are sending at this moment. Please try again in ten minutes."),
    Problem.FULL: marked("There is no space left at the moment. Please try again later; text alone needs the least."),
    Problem.FILES_OFF: marked(
        "Files cannot be accepted at the moment: too much is being sent, or waits here. Text can: send it now, and "
        "come back with your return words to add the files later."
    ),
    Problem.WORDS: marked("What you typed could not be used as return words"),
    Problem.RECEIPT_PUBLIC: marked(
        "The public halves of your own receipt cannot be used. Paste all four lines that 'enveis receipt new' "
        "printed, or what all of its codes say, for the kind of keys that this server uses."
    ),
    Problem.FAULT: marked("We do not know how far it came. Please try again later."),
    Problem.ADDRESS_TOO_LONG: marked("The address is longer than any page here has."),
    Problem.HEADERS_TOO_LONG: marked(
        "Your browser sent more in the headers of its request than this server takes. Mostly these are cookies that "
        "another service at the same address has set: open this page in a private window, or delete the cookies."
    ),
    Problem.NOT_FOUND: marked("There is no such page here."),
    Problem.METHOD: marked("It only takes what a form sends. What you sent before is not affected."),
    Problem.CROSS_SITE: marked(
        "Another website made your browser send this. Only the forms of this site are accepted here, so that nobody "
        "else can send or delete anything in your name. If you want to send something, use the form here."
    ),
}
# The same on pages to which nothing but a few words is sent: there, no text and no file can be the reason.
SHORT_PROBLEMS: Final[dict[Problem, str]] = {
    Problem.TOO_LARGE: marked("What was sent is longer than this page takes."),
    Problem.TOO_SLOW: marked("The connection stopped, or was too slow. Please try again."),
    Problem.BUSY: marked("Too many people are here at this moment. Please try again in ten minutes."),
    Problem.FULL: marked("There is no space left at the moment. Please try again later."),
}
NOTHING_RECEIVED: Final = marked("Nothing was received")
NOTHING_DONE: Final = marked("This did not work")
TITLES: Final[dict[Problem, str]] = {
    Problem.FAULT: marked("Something went wrong on our side"),
    Problem.ADDRESS_TOO_LONG: NOTHING_DONE,
    Problem.HEADERS_TOO_LONG: NOTHING_DONE,
    Problem.NOT_FOUND: marked("Page not found"),
    Problem.METHOD: marked("This address shows no page"),
    Problem.CROSS_SITE: marked("This came from another website"),
}
REASONS: Final[dict[RefusedReason, str]] = {
    RefusedReason.NAME: marked("files of this type are not accepted"),
    RefusedReason.CONTENT: marked("its content is not of an accepted type"),
    RefusedReason.DISAGREE: marked("the file name and the content are of different types"),
    RefusedReason.EMPTY: marked(
        "it is empty. A file that is only in a cloud arrives so: open it on your device, then choose it again"
    ),
    RefusedReason.SIZE: marked("it is too large"),
    RefusedReason.COUNT: marked("there were too many files"),
    RefusedReason.FILES_OFF: marked("files cannot be accepted at the moment; add it later with your return words"),
}
NAMELESS: Final = marked("it came without a name, so nobody knows its type")
RETURN_PROBLEMS: Final[dict[ReturnProblem, str]] = {
    ReturnProblem.NONE_TYPED: marked("You typed no return words. Please type those of your receipt."),
    ReturnProblem.COUNT: marked("A receipt has %(wanted)s return words; you typed %(found)s."),
    ReturnProblem.UNKNOWN_WORD: marked("Word %(position)s is not one of the words that receipts use."),
    ReturnProblem.MISMATCH: marked(
        "These return words do not belong together: one of them is wrong, or two have changed places."
    ),
    ReturnProblem.PROOF_WORDS: marked(
        "These look like your proof words. Never type those online; type your return words."
    ),
    ReturnProblem.BUSY: marked("Too many people are coming back at this moment. Please try again in ten minutes."),
}
LIKELY: Final = marked("Check word %(positions)s first.")
MACHINE_TRANSLATED: Final = marked(
    "A machine translated this page. Nobody who speaks the language has checked it, so it may contain mistakes."
)
OR: Final = marked("or")  # between two numbers
BYTES: Final = marked("%(count)s bytes")
MEGABYTES: Final = marked("%(count)s MB")
GIGABYTES: Final = marked("%(count)s GB")
STATES: Final[dict[str, str]] = {
    "received": marked("received"),
    "in-work": marked("is being worked on"),
    "question": marked("there is a question for you"),
    "answered": marked("answered"),
    "referred": marked("passed on to somebody else"),
    "closed": marked("closed"),
}
# In place of what RECEIVED says below, where the office may not destroy records.
RESTRICTED: Final = marked(
    "If your submission was still on this server, it is removed, and nobody reads it. If it had left already, a "
    "sealed request follows it. Records may not be destroyed there: what you sent is to be locked away, and used for "
    "nothing more. This page is the same in both cases, so that nobody who sees it learns which it was."
)
WITHDRAWN: Final[dict[Withdrawal, tuple[str, str]]] = {
    Withdrawal.RECEIVED: (
        marked("Your request to withdraw was received"),
        marked(
            "If your submission was still on this server, it is removed, and nobody reads it. If it had left already, "
            "a sealed request to delete it follows it, and people decide on the request. This page is the same in "
            "both cases, so that nobody who sees it learns which it was."
        ),
    ),
    Withdrawal.UNKNOWN: (
        marked("Nothing was withdrawn"),
        marked("The request could not be read. Please use the button on the page with your receipt."),
    ),
}
# What in a file may identify its source; of all that an inspection finds, sources are told these only.
IDENTIFYING: Final[dict[Code, str]] = {
    Code.PRIVACY_ARCHIVE_OWNER: marked("The archive names the user account that its files belonged to."),
    Code.PRIVACY_ARCHIVE_TIMES: marked("The archive contains exact times, and often the time zone."),
    Code.PRIVACY_ARCHIVE_USER_NAME: marked("A path in the archive contains the name of a user account."),
    Code.PRIVACY_ARCHIVE_MAC: marked("The archive carries files that a Mac adds by itself."),
    Code.PRIVACY_OFFICE_AUTHOR: marked("An office document in the archive names the person who wrote or changed it."),
    Code.PRIVACY_DOCUMENT_AUTHOR: marked("The document names the person who wrote or changed it."),
    Code.PRIVACY_MAIL_PEOPLE: marked("The e-mail names who sent it and who received it."),
    Code.PRIVACY_PICTURE_AUTHOR: marked("A picture names an author or owner."),
    Code.PRIVACY_PICTURE_TEXT: marked("A picture carries text that a person or a program wrote."),
    Code.PRIVACY_PICTURE_SOFTWARE: marked("A picture names the program that made it."),
    Code.PRIVACY_PICTURE_TIMES: marked("A picture records when it was taken or made."),
    Code.PRIVACY_PICTURE_DOCUMENT_ID: marked("A picture carries an identifier that links it to other copies."),
    Code.PRIVACY_PICTURE_LOCATION: marked("A picture records where it was taken."),
    Code.PRIVACY_PICTURE_DEVICE: marked("A picture names the camera or its serial number."),
    Code.PRIVACY_PICTURE_THUMBNAIL: marked(
        "A picture carries a small copy of itself, perhaps from before it was cropped."
    ),
    Code.PRIVACY_PDF_REVISIONS: marked("The PDF still contains earlier versions of itself."),
    Code.PRIVACY_PDF_COMMENTS: marked("The PDF names the people who commented on it."),
    Code.PRIVACY_PDF_SIGNATURE: marked("The PDF is signed, which names the signer."),
    Code.PRIVACY_PDF_FIELDS: marked("The PDF carries metadata beyond the usual fields."),
    Code.PRIVACY_PDF_PATH: marked("The PDF contains the path of a file on a computer, which often names a person."),
    Code.PRIVACY_PDF_SCAN: marked(
        "The PDF contains a page scanned in colour, which can carry a printer's hidden dots."
    ),
    Code.PRIVACY_TEXT_WATERMARK: marked("The text contains hidden characters that can mark a copy."),
    Code.PRIVACY_PDF_AUTHOR: marked("The PDF names its author."),
    Code.PRIVACY_PDF_SOFTWARE: marked("The PDF names the program that made it."),
    Code.PRIVACY_PDF_TIMES: marked("The PDF records when it was made, often with the time zone."),
    Code.PRIVACY_PDF_ID: marked("The PDF carries an identifier that links it to other copies."),
}
