"""Owns `wherever bindings`: typed Python for a component's interfaces, or for a folder of WIT."""

from __future__ import annotations

import os

from wherever.policy import Malformed

__all__ = ["main"]


def main(words: list[str]) -> int:
    """`wherever bindings FILE|WIT-DIR -o PACKAGE`."""
    given = list(words)
    target = ""
    for option in ("-o", "--output"):
        if option in given:
            at = given.index(option)
            target = given[at + 1] if at + 1 < len(given) else ""
            del given[at : at + 2]
    if len(given) != 1 or not target:
        raise Malformed("which, and where to? wherever bindings FILE|WIT-DIR -o PACKAGE")
    texts = _texts(given[0], os.path.basename(target.rstrip("/")))
    os.makedirs(target, exist_ok=True)
    for name, text in texts.items():
        with open(os.path.join(target, name), "w", encoding="utf-8") as file:
            file.write(text)
    print(f"{target}: {len(texts) - 2} interfaces")
    return 0


def _texts(source: str, title: str) -> dict[str, str]:
    from wherever.component.bindings import of_component, of_resolved, package_texts

    if not os.path.isdir(source):
        from wherever.component.read import read_component
        from wherever.component.validate import validate
        from wherever.component.wit.docs import package_docs

        with open(source, "rb") as file:
            validated = validate(read_component(file.read()))
        docs = package_docs(validated.component)
        return package_texts(of_component(validated.type, docs), title)
    from wherever.component.wit.resolve import resolver_of

    files: list[tuple[str, str]] = []
    for folder, _, names in sorted(os.walk(source)):
        for name in sorted(names):
            if name.endswith(".wit"):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    files.append((path, file.read()))
    if not files:
        raise Malformed(f"{source} has no .wit file")
    found = resolver_of(files)
    return package_texts(
        [
            of_resolved(found.interface(package, interface))
            for package in found.packages.values()
            for interface in package.interfaces.values()
        ],
        title,
    )
