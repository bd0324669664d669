"""A leaf's text to a tree: Jinja's own parser, then an allowlist; what is not listed is refused."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser

from helixnet.engine.context.model import ContextProblem, Leaf, Mark
from helixnet.engine.mapping.infer.literals import ExactEnvironment
from helixnet.engine.mapping.infer.spreadsheet import explained, formula_hint
from helixnet.engine.mapping.ir import TURNS, Call, Node, Op, Parsed, Turn
from helixnet.engine.values.absent import ABSENT

MAX_LENGTH: Final = 20_000
MAX_DEPTH: Final = 40
MAX_NODES: Final = 4_000
MAX_LOOPS: Final = 3

MAX_STEPS: Final = 8

_ENVIRONMENT: Final = ExactEnvironment()
_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_CODE: Final = re.compile(r"(?<=\.)[0-9]{4}(?![0-9_])")  # x.1004: a data element
_KEYWORDS: Final = frozenset(
    {
        *("and", "or", "not", "in", "is", "if", "else", "loop", "self", "super"),
        *("null", "none", "None", "true", "True", "false", "False"),
    }
)
_ARITHMETIC: Final[dict[type[nodes.Node], str]] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
}
_COMPARE: Final = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_REFUSED: Final[dict[type[nodes.Node], tuple[str, str]]] = {
    nodes.FloorDiv: ("`//` is refused", "round the quotient: (a / b) | round(0)"),
    nodes.Mod: ("`%` is refused", "join texts with `~`"),
    nodes.Pow: ("`**` is refused", "multiply"),
    nodes.Call: ("functions can't be called", "use a filter: value | name(…)"),
    nodes.Dict: ("an object can't be written in an expression", "write it in YAML"),
    nodes.Tuple: ("a comma stands where no list is", "a list is [a, b], a decimal number 1.19"),
    nodes.Assign: ("`set` stands outside of `if`", "write {% set x = a if c else b %}"),
}


class _LeafError(Exception):
    """The one reason why a leaf does not parse, with its offset."""

    def __init__(self, code: str, at: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.at, self.message, self.hint = code, at, message, hint


def parse_leaf(leaf: Leaf, problems: list[ContextProblem]) -> Parsed | None:
    """Read an expression or template; on failure note why in ``problems`` and return None."""
    text = leaf.text.replace("\r\n", "\n")
    try:
        return _parse(text, leaf.mark)
    except _LeafError as error:
        place = Parsed(Node(Op.CONST), text, leaf.mark).place(min(max(error.at, 0), len(text)))
        problems.append(ContextProblem(place, error.code, error.message, error.hint))
    return None


def _parse(text: str, mark: Mark) -> Parsed:
    if len(text) > MAX_LENGTH:
        raise _LeafError("HX-4102", 0, f"the leaf has more than {MAX_LENGTH} characters")
    path = plain_path(text)
    if path is not None:
        return Parsed(path, text, mark)
    walk = _Walk(text)
    try:
        if "{{" in text or "{%" in text:
            root, template = _template(text, walk)
        else:
            parser = Parser(_ENVIRONMENT, text, state="variable")
            expression = parser.parse_expression()
            if not parser.stream.eos:
                at = parser.stream.current.lineno
                raise _syntax(text, f"unexpected `{text[at : at + 20].strip()}`", at)
            root, template = walk.node(expression), False
    except TemplateSyntaxError as error:
        message = (error.message or "not an expression").rstrip(".")
        if "template" in message and "end" in message:
            message = "the expression ends too early"
        raise _syntax(text, message, error.lineno) from error
    except RecursionError as error:
        raise _LeafError("HX-4102", 0, "the expression is nested too deep") from error
    return Parsed(root, text, mark, template, tuple(walk.tight), tuple(walk.sets))


def _syntax(text: str, message: str, at: int) -> _LeafError:
    why = explained(text, message, at)
    return _LeafError("HX-4101", why.at, why.message, why.hint)


def plain_path(text: str) -> Node | None:
    """Return the tree of a leaf that only names a field, the commonest one, without a parser."""
    if _PATH.fullmatch(text) is None:
        return None
    words = text.split(".")
    if len(words) > MAX_STEPS or any(w.startswith("__") or w in _KEYWORDS for w in words):
        return None
    node, at = Node(Op.NAME, (), words[0], 0), len(words[0])
    for word in words[1:]:
        node = Node(Op.STEP, (node,), word, at)
        at += 1 + len(word)
    return node


def _template(text: str, walk: "_Walk") -> tuple[Node, bool]:
    body = Parser(_ENVIRONMENT, text).parse().body
    if len(body) == 1 and isinstance(body[0], nodes.Output):
        parts = body[0].nodes  # blanks around the one expression would make text of it
        if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData):
            return walk.node(parts[0]), False
    return walk.body(body), True


class _Walk:
    """Walks one tree of Jinja nodes; ``lineno`` of a node is its offset (see literals)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tight: list[int] = []
        self.sets: list[Node] = []
        self._named: dict[str, Node] = {}  # what `set` and `for` have named up to here
        self._loops: list[int] = []
        self._ifs = 0
        self._depth = 0
        self._count = 0

    def node(self, node: nodes.Node) -> Node:
        """Return the node's own form, or refuse it."""
        kind = type(node)
        reader = _READERS.get(kind)
        if reader is None:
            message, hint = _REFUSED.get(kind, (f"{kind.__name__} is not part of the language", ""))
            if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
                hint = formula_hint(node.node.name) or hint
            if isinstance(node, nodes.Stmt):
                hint = f"{hint}, or render the document: template: NAME.j2".removeprefix(", or ")
            raise _LeafError("HX-4102", node.lineno, message, hint)
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_NODES:
            what = "nested too deep" if self._depth > MAX_DEPTH else "too large"
            raise _LeafError("HX-4102", node.lineno, f"the expression is {what}")
        found = reader(self, node)
        self._depth -= 1
        return found

    def all(self, items: Sequence[nodes.Node]) -> tuple[Node, ...]:
        """Read several nodes."""
        return tuple(self.node(item) for item in items)

    def body(self, body: Sequence[nodes.Node], names: Mapping[str, Node] | None = None) -> Node:
        """Read the body of a template, or of a block in one, whose names end with it."""
        parts: list[Node] = []
        outside, self._named = self._named, {**self._named, **(names or {})}
        for item in body:
            if isinstance(item, nodes.Output):
                parts += self.all(item.nodes)
            elif isinstance(item, nodes.Assign) and not self._ifs:
                self._set(item)
            else:
                parts.append(self.node(item))
        self._named = outside
        return Node(Op.TEMPLATE, tuple(parts))

    def _set(self, node: nodes.Assign) -> None:
        if not isinstance(node.target, nodes.Name):
            raise _LeafError("HX-4102", node.lineno, "`set` names one value")
        value = self.node(node.node)
        self._named[node.target.name] = value
        self.sets.append(value)

    def loop(self, node: nodes.For) -> Node:
        """Read `{% for %}`; inside, its name is the item and `loop` tells which turn it is."""
        if not isinstance(node.target, nodes.Name) or node.recursive:
            raise _LeafError("HX-4102", node.lineno, "`for` has one name here")
        if len(self._loops) >= MAX_LOOPS:
            text = f"more than {MAX_LOOPS} loops inside each other"
            raise _LeafError("HX-4102", node.lineno, text)
        number, items = node.lineno, self.node(node.iter)
        item = {node.target.name: Node(Op.TURN, (), Turn(number, "item"), node.target.lineno)}
        test = Node(Op.CONST, (), data=True, at=node.lineno)
        outside, self._named = self._named, self._named | item
        if node.test is not None:
            test = self.node(node.test)
        self._named = outside
        ifs, self._ifs = self._ifs, 0
        self._loops.append(number)
        body = self.body(node.body, item)
        self._loops.pop()
        self._ifs = ifs
        return Node(Op.LOOP, (items, test, body, self.body(node.else_)), number, number)

    def const(self, node: nodes.Const) -> Node:
        at = node.lineno
        if (node.value is None or isinstance(node.value, bool)) and (
            self.text[at : at + 4] in ("None", "none", "True", "Fals")
        ):
            word = {None: "null", True: "true", False: "false"}[node.value]
            raise _LeafError("HX-4102", at, f"write `{word}`", "null, true and false are literals")
        return Node(Op.CONST, (), node.value, at)

    def data(self, node: nodes.TemplateData) -> Node:
        return Node(Op.CONST, (), node.data, node.lineno)

    def name(self, node: nodes.Name) -> Node:
        if node.name in self._named:
            return self._again(self._named[node.name])
        if node.name == "null":
            return Node(Op.CONST, (), None, node.lineno)
        if node.name.startswith("__"):
            raise _LeafError("HX-4102", node.lineno, f"{node.name} is refused")
        return Node(Op.NAME, (), node.name, node.lineno)

    def _again(self, known: Node) -> Node:
        """Return a value once more; it counts as if it were written again."""
        left = [known]
        while left and self._count <= MAX_NODES:
            self._count += 1
            left += left.pop().args
        return known

    def attribute(self, node: nodes.Getattr) -> Node:
        of = node.node
        if self._loops and isinstance(of, nodes.Name) and of.name == "loop":
            if node.attr not in TURNS:
                text, hint = f"`loop.{node.attr}` is not known", f"known are {', '.join(TURNS)}"
                raise _LeafError("HX-4102", node.lineno, text, hint)
            return Node(Op.TURN, (), Turn(self._loops[-1], node.attr), node.lineno)
        if node.attr.startswith("__"):
            raise _LeafError("HX-4102", node.lineno, f".{node.attr} is refused")
        return Node(Op.STEP, (self.node(node.node),), node.attr, node.lineno)

    def item(self, node: nodes.Getitem) -> Node:
        value = self.node(node.node)
        if isinstance(node.arg, nodes.Slice):
            if node.arg.step is not None:
                raise _LeafError("HX-4102", node.lineno, "a slice has no step", "write [from:to]")
            none = nodes.Const(None, lineno=len(self.text))
            ends = self.all((node.arg.start or none, node.arg.stop or none))
            return Node(Op.SLICE, (value, *ends), None, node.lineno)
        code = _CODE.match(self.text, node.arg.lineno)
        if code is not None:
            return Node(Op.STEP, (value,), code[0], node.lineno)
        key = self.node(node.arg)
        if key.op is Op.CONST and isinstance(key.data, str):
            return Node(Op.STEP, (value,), key.data, node.lineno)
        return Node(Op.ITEM, (value, key), None, node.lineno)

    def filter(self, node: nodes.Filter) -> Node:
        if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise _LeafError("HX-4102", node.lineno, "`*` arguments are refused")
        value = self.node(node.node)
        named = [(pair.key, self.node(pair.value)) for pair in node.kwargs]
        args = self.all(node.args) + tuple(value for _, value in named)
        names = tuple(str(name) for name, _ in named)
        return Node(Op.FILTER, (value, *args), Call(node.name, names), node.lineno)

    def test(self, node: nodes.Test) -> Node:
        if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise _LeafError("HX-4105", node.lineno, f"`is {node.name}` takes no argument")
        return Node(Op.TEST, (self.node(node.node),), node.name, node.lineno)

    def arithmetic(self, node: nodes.BinExpr) -> Node:
        if isinstance(node.right, nodes.Filter) and not self._in_brackets(node.right):
            self.tight.append(node.right.lineno)
        data = _ARITHMETIC[type(node)]
        return Node(Op.ARITHMETIC, self.all((node.left, node.right)), data, node.lineno)

    def negate(self, node: nodes.Neg) -> Node:
        value = self.node(node.node)
        if value.op is Op.CONST and type(value.data) is int:
            return Node(Op.CONST, (), -value.data, node.lineno)
        if value.op is Op.CONST and isinstance(value.data, Decimal):
            return Node(Op.CONST, (), value.data.copy_negate(), node.lineno)
        return Node(Op.NEGATE, (value,), None, node.lineno)

    def compare(self, node: nodes.Compare) -> Node:
        left, found = self.node(node.expr), list[Node]()
        for operand in node.ops:
            right = self.node(operand.expr)
            if operand.op in ("in", "notin"):
                test = Node(Op.IN, (left, right), None, left.at)
                found.append(Node(Op.NOT, (test,), None, left.at) if operand.op != "in" else test)
            else:
                found.append(Node(Op.COMPARE, (left, right), _COMPARE[operand.op], left.at))
            left = right
        return found[0] if len(found) == 1 else Node(Op.AND, tuple(found), None, found[0].at)

    def logic(self, node: nodes.BinExpr) -> Node:
        kind, op = (nodes.And, Op.AND) if isinstance(node, nodes.And) else (nodes.Or, Op.OR)
        parts: list[nodes.Node] = [node.right]
        left: nodes.Node = node.left
        while isinstance(left, kind):  # a long chain is one node, not a deep tree
            parts.append(left.right)
            left = left.left
        parts.append(left)
        return Node(op, self.all(parts[::-1]), None, node.lineno)

    def condition(self, node: nodes.CondExpr) -> Node:
        otherwise = (
            Node(Op.CONST, (), ABSENT, node.lineno) if node.expr2 is None else self.node(node.expr2)
        )
        return Node(
            Op.IF, (self.node(node.test), self.node(node.expr1), otherwise), None, node.lineno
        )

    def block(self, node: nodes.If) -> Node:
        self._ifs += 1
        found = self._block(node)
        self._ifs -= 1
        return found

    def _block(self, node: nodes.If) -> Node:
        otherwise = self.body(node.else_)
        for branch in reversed(node.elif_):
            test = self.node(branch.test)
            otherwise = Node(
                Op.BLOCK, (test, self.body(branch.body), otherwise), None, branch.lineno
            )
        return Node(
            Op.BLOCK, (self.node(node.test), self.body(node.body), otherwise), None, node.lineno
        )

    def _in_brackets(self, node: nodes.Node) -> bool:
        while isinstance(node, (nodes.Filter, nodes.Getattr, nodes.Getitem)):
            if node.node is None:
                return False
            node = node.node
        return self.text[: node.lineno].rstrip().endswith("(")


_READERS: Final[dict[type[nodes.Node], Callable[[_Walk, Any], Node]]] = {
    nodes.Const: _Walk.const,
    nodes.Name: _Walk.name,
    nodes.TemplateData: _Walk.data,
    nodes.Getattr: _Walk.attribute,
    nodes.Getitem: _Walk.item,
    nodes.Filter: _Walk.filter,
    nodes.Test: _Walk.test,
    nodes.Compare: _Walk.compare,
    nodes.And: _Walk.logic,
    nodes.Or: _Walk.logic,
    nodes.Not: lambda walk, node: Node(Op.NOT, (walk.node(node.node),), None, node.lineno),
    nodes.Neg: _Walk.negate,
    nodes.CondExpr: _Walk.condition,
    nodes.Concat: lambda walk, node: Node(Op.JOIN, walk.all(node.nodes), None, node.lineno),
    nodes.List: lambda walk, node: Node(Op.LIST, walk.all(node.items), None, node.lineno),
    nodes.If: _Walk.block,
    nodes.For: _Walk.loop,
    **dict.fromkeys(_ARITHMETIC, _Walk.arithmetic),
}
