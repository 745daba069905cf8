"""The server's page in a browser: page_test.mjs against the real server, with keys, and small models of every task.

usage: page_test.py SLIPWAY [FOLDER]    FOLDER: for screenshots

Exits with 77, and says why, where there is no Chromium or the program has no page.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/serve"))

import picture_models  # noqa: E402
import served  # noqa: E402

SKIPPED = 77
# A key of what is hardest to pass on: "?" and ">" give "_" and "-" in base64url, and its length a padding.
KEY = "se?cret>~"


def why_not():
    if not shutil.which("chromium"):
        return "no chromium (tools/setup/install_packages.sh tools/setup/packages_browser.txt)"
    if not (ROOT / "build/web/dist/index.html").exists():
        return "the page is not built (tools/setup/make_web.sh)"
    return ""


def save_models(folder):
    models = {"boxes": picture_models.boxes(), "classes": picture_models.classes(), "segments": picture_models.segments(),
              "features": picture_models.features(), "logits": picture_models.logits()}
    return [served.save(model, folder / f"{name}.onnx") for name, model in models.items()]


def main():
    program, *out = sys.argv[1:]
    if reason := why_not():
        print("skipped:", reason)
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        with served.Served(program, save_models(pathlib.Path(folder)), "--api-key", KEY) as server:
            if not server.has_page(KEY):
                print("skipped: the program was built without its page (tools/setup/make_web.sh)")
                return SKIPPED
            return subprocess.run([ROOT / ".venv/bin/node", ROOT / "tests/web/page_test.mjs", "--base", f"http://{server.url}",
                                   "--key", KEY, *(["--out", out[0]] if out else [])], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
