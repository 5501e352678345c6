"""What others say, fit for a sentence of ours: one line, and not long."""

LONGEST = 200  # characters


def short(words: object, longest: int = LONGEST) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    line = "".join(one if one.isprintable() else " " for one in text or type(words).__name__).strip()
    return line if len(line) <= longest else line[: longest - 3] + "..."
