"""How numbers are written by country, as business files do it: our own closed table.

Where typography asks for a narrow or hard space, files have a plain one; Swiss files have ``'``.
"""

from typing import Final

LOCALES: Final[dict[str, tuple[str, str]]] = {
    "cs_CZ": (",", " "),
    "da_DK": (",", "."),
    "de_AT": (",", "."),
    "de_CH": (".", "'"),
    "de_DE": (",", "."),
    "de_LU": (",", "."),
    "en_AU": (".", ","),
    "en_CA": (".", ","),
    "en_GB": (".", ","),
    "en_IE": (".", ","),
    "en_IN": (".", ","),
    "en_US": (".", ","),
    "en_ZA": (",", " "),
    "es_ES": (",", "."),
    "es_MX": (".", ","),
    "fi_FI": (",", " "),
    "fr_BE": (",", "."),
    "fr_CA": (",", " "),
    "fr_CH": (".", "'"),
    "fr_FR": (",", " "),
    "hu_HU": (",", " "),
    "it_CH": (".", "'"),
    "it_IT": (",", "."),
    "ja_JP": (".", ","),
    "nb_NO": (",", " "),
    "nl_BE": (",", "."),
    "nl_NL": (",", "."),
    "pl_PL": (",", " "),
    "pt_BR": (",", "."),
    "pt_PT": (",", " "),
    "ro_RO": (",", "."),
    "ru_RU": (",", " "),
    "sk_SK": (",", " "),
    "sl_SI": (",", "."),
    "sv_SE": (",", " "),
    "tr_TR": (",", "."),
    "zh_CN": (".", ","),
}
"""Decimal point and thousands separator by locale name."""
