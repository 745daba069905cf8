"""The list of ONNX's attributes (src/formats/onnx/attributes.inc) against the schemas of the onnx package.

usage: onnx_attributes.py [--update]
"""
import pathlib
import re
import sys

import onnx

PATH = pathlib.Path(__file__).resolve().parents[2] / "src/formats/onnx/attributes.inc"


def rows():
    """(domain, operator, since, attributes) wherever an operator's attributes change."""
    schemas = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        schemas.setdefault((schema.domain, schema.name), {})[schema.since_version] = " ".join(sorted(schema.attributes))
    for (domain, name), versions in sorted(schemas.items()):
        last = None
        for since, attributes in sorted(versions.items()):
            if attributes != last:
                yield domain, name, since, attributes
            last = attributes


def main():
    text = PATH.read_text()
    header = "".join(line + "\n" for line in text.splitlines() if line.startswith("//"))
    expected = [f'SLIPWAY_ONNX_ATTRIBUTES("{domain}", {name}, {since}, "{attributes}")'
                for domain, name, since, attributes in rows()]
    if "--update" in sys.argv:
        PATH.write_text(header + "\n".join(expected) + "\n")
        return 0
    version, = re.findall(r"schemas of ONNX (\d+\.\d+)", header)
    if not onnx.__version__.startswith(version + "."):
        print(f"skipped: onnx is {onnx.__version__}, the list is of {version}")
        return 77  # ctest's SKIP_RETURN_CODE
    listed = [line for line in text.splitlines() if not line.startswith("//")]
    wrong = sorted(set(listed) ^ set(expected))
    print("\n".join(wrong) or f"{len(listed)} rows agree")
    return 1 if wrong or listed != expected else 0


if __name__ == "__main__":
    sys.exit(main())
