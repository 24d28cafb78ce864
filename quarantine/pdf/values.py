"""Values of a PDF dictionary, whether they stand in it or it points to them."""

from pypdf.generic import DictionaryObject, NullObject, PdfObject


def value_of(dictionary: DictionaryObject, key: str) -> PdfObject | None:
    """The value of `key`; None when there is none, when it is null, or when what it points to cannot be read."""
    if key not in dictionary:
        return None
    try:
        value = dictionary.raw_get(key).get_object()
    except Exception:  # noqa: BLE001 - pypdf raises anything; one broken value must not hide the others
        return None
    return None if isinstance(value, NullObject) else value


def name_of(dictionary: DictionaryObject, key: str) -> str:
    """The value of `key` as a text; empty when there is none."""
    value = value_of(dictionary, key)
    return "" if value is None else str(value)
