"""Values of a PDF dictionary, whether they stand in it or it points to them."""

from pypdf.generic import DictionaryObject, NullObject, PdfObject


def value_of(dictionary: DictionaryObject, key: str) -> PdfObject | None:
    """Return the value of `key`; None when it is missing, null, or points to something that cannot be read."""
    if key not in dictionary:
        return None
    try:
        value = dictionary.raw_get(key).get_object()
    except Exception:  # noqa: BLE001 - pypdf raises anything; one broken value must not hide the others
        return None
    return None if isinstance(value, NullObject) else value


def name_of(dictionary: DictionaryObject, key: str) -> str:
    """Return the value of `key` as a text; empty when it is missing."""
    value = value_of(dictionary, key)
    return "" if value is None else str(value)
