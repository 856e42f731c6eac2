"""Text as LaTeX that compiles with pdfLaTeX and XeLaTeX without packages, whatever its characters, and its width."""

import re
import unicodedata
from collections.abc import Iterator

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda",
    "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
MATHS = GREEK | {
    "±": "pm", "≤": "leq", "≥": "geq", "≈": "approx", "≠": "neq", "∞": "infty", "✓": "surd", "✗": "times",
    "×": "times", "·": "cdot", "→": "to", "←": "leftarrow", "⇒": "Rightarrow", "∈": "in", "∂": "partial",
    "∇": "nabla", "ℓ": "ell", "∑": "sum", "√": "surd", "′": "prime", "∼": "sim", "∝": "propto", "¬": "neg",
}  # fmt: skip
TEXT = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\\": "\\textbackslash{}", "<": "\\textless{}",
    ">": "\\textgreater{}", "|": "\\textbar{}", "−": "$-$", "†": "$^\\dagger$", "°": "$^\\circ$", "–": "--",
    "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": "\\ldots{}", "ß": "\\ss{}", "ø": "\\o{}", "Ø": "\\O{}",
    "æ": "\\ae{}", "Æ": "\\AE{}", "œ": "\\oe{}", "Œ": "\\OE{}", "ł": "\\l{}", "Ł": "\\L{}", "ı": "\\i{}",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
LAST_COMPOSED = "\u017f"
"""Letters with one accent, up to here, are in the fonts of both; XeLaTeX would print others without it."""
WIDE, NARROW = "mwMWQO@%&", "iljtfrI.,:;'`!()[] -/"


def escape(text: str) -> str:
    """Returns text as LaTeX; a character that LaTeX has no sign for becomes its code, such as U+4E2D."""
    return "".join(tex for tex, _ in pieces(text))


def flowing(text: str) -> str:
    """Returns text as LaTeX for a paragraph, with places to break in words that are longer than a narrow line."""
    words = []
    for word in text.split(" "):
        parts = [tex for tex, _ in pieces(word)]
        words.append("\\hspace{0pt}".join("".join(parts[i : i + 24]) for i in range(0, len(parts), 24)))
    return " ".join(words)


def pieces(text: str) -> Iterator[tuple[str, float]]:
    """Yields each character with its accents as LaTeX, and its width in em: at least that of Computer Modern."""
    for cluster in re.findall(r"[^\u0300-\u036f][\u0300-\u036f]*|[\u0300-\u036f]", unicodedata.normalize("NFD", text)):
        letter, marks, whole = cluster[0], cluster[1:], unicodedata.normalize("NFC", cluster)
        if letter.isascii() and marks in ACCENTS and whole <= LAST_COMPOSED:
            yield f"\\{ACCENTS[marks]}{{{letter}}}", _width(letter)
        elif marks and whole in MATHS:
            yield f"$\\{MATHS[whole]}$", 1.0
        else:
            for character in cluster:
                yield from _single(character)


def _single(character: str) -> Iterator[tuple[str, float]]:
    """Yields one character as LaTeX and its width; nothing for one that is not seen."""
    plain = unicodedata.normalize("NFKD", character)
    kind = unicodedata.decomposition(character).split(" ")[0]
    if character in TEXT:
        yield TEXT[character], 1.0
    elif character in MATHS:
        yield f"$\\{MATHS[character]}$", 1.0
    elif character.isspace():
        yield " ", 0.34
    elif character.isascii() and character.isprintable():
        yield character, _width(character)
    elif unicodedata.category(character) in ("Cf", "Cc") or "\ufe00" <= character <= "\ufe0f":
        return
    elif kind in ("<sub>", "<super>"):
        yield (
            f"$_{{\\mathrm{{{escape(plain)}}}}}$".replace("_", "_" if kind == "<sub>" else "^", 1).replace("$-$", "-"),
            0.6 * len(plain),
        )
    elif plain != character:
        for part in plain:
            yield from _single(part)
    else:
        code = f"U+{ord(character):04X}"
        yield f"\\texttt{{{code}}}", 0.54 * len(code)


def _width(character: str) -> float:
    if character in WIDE:
        return 1.03
    if character in NARROW:
        return 0.4
    return 0.51 if character.isdigit() else 0.8 if character.isupper() or character in "+=<>" else 0.57
