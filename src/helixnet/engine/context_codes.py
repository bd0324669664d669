"""The error codes of contexts (HX-4xxx), a part of :data:`helixnet.engine.codes.CODES`."""

from typing import Final

from helixnet.engine.code import Code

CONTEXT_CODES: Final[dict[str, Code]] = {
    "HX-4001": Code("not YAML", "The context is not readable as YAML.", "Correct the named line."),
    "HX-4002": Code(
        "wrong format version",
        "`helixnet:` is missing or names a version that this HelixNet does not read.",
        "Write `helixnet: 1`.",
    ),
    "HX-4003": Code(
        "unknown key", "A key is not part of the format.", "Correct it; near names are shown."
    ),
    "HX-4004": Code(
        "value not allowed here",
        "A key has a value of the wrong kind.",
        "See docs/context-format.md.",
    ),
    "HX-4005": Code("key missing", "A key that must be there is not.", "Add it."),
    "HX-4006": Code(
        "YAML feature refused",
        "Anchors, aliases, tags, merge keys and duplicate keys hide meaning.",
        "Write the value out.",
    ),
    "HX-4007": Code(
        "literal not allowed",
        "A number, date or word is written in a way that YAML readers take differently.",
        "Write a JSON number, or `{const: …}` for a text.",
    ),
    "HX-4008": Code(
        "empty leaf", "A key of `map` has no value.", "Write an expression, or `null`."
    ),
    "HX-4009": Code(
        "leaf cut by YAML",
        "YAML took a part of the expression for a comment, a mapping or a quoted text.",
        "Put the whole leaf in single quotes, as shown.",
    ),
    "HX-4101": Code(
        "expression does not parse",
        "The expression is not Jinja.",
        "Correct it at the named column.",
    ),
    "HX-4102": Code(
        "construct not allowed",
        "The expression uses something outside the language.",
        "Use the documented operators and filters.",
    ),
    "HX-4103": Code(
        "unknown name",
        "A name is neither a field, a variable nor a group name.",
        "Correct the name.",
    ),
    "HX-4104": Code(
        "unknown filter or test", "No filter or test has that name.", "See docs/filters.md."
    ),
    "HX-4105": Code(
        "wrong arguments",
        "A filter has too few, too many or wrong arguments.",
        "See docs/filters.md.",
    ),
    "HX-4106": Code(
        "types do not fit",
        "The types of the parts are known and do not go together.",
        "Convert first.",
    ),
    "HX-4107": Code(
        "built in a circle",
        "`out`, `this` or `vars` need each other.",
        "Break the circle by `vars`.",
    ),
    "HX-4108": Code(
        "parentheses needed",
        "A filter binds tighter than arithmetic: `a * b | round(2)` rounds b.",
        "Write `(a * b) | round(2)`, or `a * (b | round(2))`.",
    ),
    "HX-4109": Code(
        "division without rounding",
        "A quotient may have no end.",
        "Put a rounding filter around it.",
    ),
    "HX-4110": Code(
        "not in the target schema",
        "A key of `map` is not named by the schema, or is forbidden there.",
        "Correct the key, extend the schema, or allow `additionalProperties` there.",
    ),
    "HX-4111": Code(
        "target property not mapped",
        "The schema requires a property that the map does not have.",
        "Map it.",
    ),
    "HX-4112": Code(
        "target type does not fit",
        "The leaf's type can never become the type that the schema asks.",
        "Convert it.",
    ),
    "HX-4113": Code(
        "read by nothing",
        "A field of `source.fields` has no reader in the context; or, as a note, a file has more "
        "columns than are read.",
        "Read it, or take the declaration away; `{type: string}` says only that files may have it.",
    ),
    "HX-4114": Code(
        "sample differs from the contract",
        "A file given by --sample has columns or segments that `source` does not know, or lacks "
        "some; `on_drift` says what becomes of such files.",
        "Bring `source.fields` up to date, or ask the sender.",
    ),
    "HX-4115": Code(
        "null leaves out",
        "`where` compares a number or date that may be null: then the item is left out, and nobody "
        "is told.",
        "Declare the field `required: true`, or ask `X is present` in the condition.",
    ),
    "HX-4201": Code(
        "file of the bundle missing",
        "A named schema, table, template or grammar is not in the bundle.",
        "Put it beside the context.",
    ),
    "HX-4202": Code(
        "outside the bundle",
        "A name leads out of the context's folder.",
        "Put the file into the folder and name it relative to it.",
    ),
    "HX-4203": Code(
        "schema not usable",
        "The target schema is no JSON Schema, or of an unknown draft.",
        "Correct the schema.",
    ),
    "HX-4204": Code(
        "remote reference refused",
        "A `$ref` leads out of the bundle.",
        "Copy the referenced schema into the bundle.",
    ),
    "HX-4205": Code(
        "table not usable",
        "A lookup table lacks its columns, has a key twice or a value that is not of its type.",
        "Correct the table.",
    ),
    "HX-4206": Code(
        "grammar not usable",
        "A grammar file can't be read, or the type is not shipped.",
        "Name a parser report or YAML grammar in `source.grammar`.",
    ),
    "HX-4207": Code(
        "bundle not usable",
        "A zip is broken, has no or several contexts, or is over a limit.",
        "Pack one context with its files.",
    ),
    "HX-4301": Code(
        "not in this version",
        "The format has the feature; this HelixNet does not yet.",
        "See docs/context-format.md for what works.",
    ),
    "HX-4302": Code(
        "required input missing",
        "An `inputs` entry without default was given no value.",
        "Give it by --input, flow or tenant.",
    ),
    "HX-4303": Code(
        "input not usable", "A value given for an input has not its type.", "Correct the value."
    ),
    "HX-4304": Code(
        "second file missing",
        "A join without `file` reads a file from outside, and none was given.",
        "Give it by --join NAME=FILE, or put it into the bundle and name it under `file`.",
    ),
}
