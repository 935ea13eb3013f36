"""A report of ``tables.run`` as Markdown."""


def markdown(report):
    """The paper's table with our figures beside the paper's, the gains over bicubic and the orders of the methods."""
    options = f" --budget {report['budget']}" if report["budget"] else ""
    options += f" --limit {report['limit']}" if report["limit"] else ""
    options += "".join(f" --guest {name}" for name in report["guests"])
    command = f"facesr table {report['table']} DATA_DIR --out RUNS_DIR{options}"
    tools = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    seen = f"has seen {report['budget']:,} images in training" if report["budget"] else "is as its card describes it"
    about = f"Every network of ours {seen}. {report['remarks']}".strip()
    head = f"# {report['source']}\n\n`{command}` ({tools})\n\n{about}\n"
    return "\n".join([head, *map(_part, report["parts"])])


def _part(part):
    columns = _columns(part)
    lines = [_line(["method", "ours is", *columns]), "|---|---|" + "---:|" * len(columns)]
    for number, row in enumerate(part["rows"]):
        ours = f"`{row['recipe']}`, {row['images']:,} images" if row["images"] else row["recipe"] or "-"
        lines.append(_line([row["method"], ours, *(cells[number] for cells in columns.values())]))
    text = [f"## {part['title']}", "\n".join(lines)]
    remarks = [f"{figure['heading']}: ours is {figure['ours']}." for figure in part["figures"] if figure["ours"]]
    text += [" ".join(remarks)] if remarks else []
    text += [_orders(part["orders"])] if part["orders"] else []
    text += [f"Ours: {part['protocol']}."] if part["protocol"] else []
    text += [part["unfilled"]] if part["unfilled"] else []
    return "\n\n".join(text) + "\n"


def _columns(part):
    """Heading -> cells of all rows: each figure in the paper and here, and the gains of the first figure if there are any."""
    columns = {}
    for place, figure in enumerate(part["figures"]):
        for whose in ("paper", "ours"):
            values = [row[whose][figure["heading"]] for row in part["rows"]]
            columns[f"{figure['heading']}, {whose}"] = [_number(value, figure["spec"]) for value in values]
            gains = [row[f"{whose}_gain"] for row in part["rows"]]
            if place == 0 and any(gain is not None for gain in gains):
                columns[f"gain, {whose}"] = [_number(gain, "+" + figure["spec"]) for gain in gains]
    return columns


def _orders(orders):
    """The methods in the order of each figure, and how well the orders agree (1: the same; -1: reversed)."""
    lines = [_line(["best first", "paper", "ours", "Spearman", "Kendall"]), "|---|---|---|---:|---:|"]
    for heading, order in orders.items():
        ranks = [" > ".join(" = ".join(place) for place in order[whose]) for whose in ("paper", "ours")]
        lines.append(_line([heading, *ranks, *(_number(order[name], "+.2f") for name in ("spearman", "kendall"))]))
    return "\n".join(lines)


def _number(value, spec):
    return "-" if value is None else format(value, spec)


def _line(cells):
    return "| " + " | ".join(cells) + " |"
