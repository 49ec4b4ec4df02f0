"""Call a WebAssembly function from Python."""

from pathlib import Path

from wherever import webassembly

here = Path(__file__).parent

module = webassembly.Module(webassembly.wat2wasm((here / "add.wat").read_text()))
add = webassembly.Instance(module).exports["add"]
print("2 + 40 =", add(2, 40))

try:
    add(2, "40")
except TypeError as error:
    print("refused before the guest ran:", error)
