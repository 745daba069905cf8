"""What `slipway serve` makes of its start: folders without models, addresses, values that nobody could be served with.

usage: start_test.py SLIPWAY [unittest arguments]. Where options come from is in options_test.py, ports are in lifecycle_test.py.
"""
import os
import pathlib
import pty
import shutil
import socket
import subprocess
import sys
import time
import unittest

import options_test
import served
from options_test import IO, NOT_FOUND, OK, USAGE


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


class Folders(options_test.Folder):
    def folder_of(self, *files):
        """A folder with copies of a model under these names."""
        folder = self.folder / f"folder{time.monotonic_ns()}"
        folder.mkdir()
        for name in files:
            served.save(served.affine(2), folder / name)
        return folder

    def test_without_models_are_errors(self):
        for folder, loose in ((self.folder_of(), []), (self.folder_of("b.onnx", "a.onnx"), ["'a.onnx', 'b.onnx'", "a.onnx"])):
            for flags in ((), ("--check-config",), ("--workers", "2")):
                with self.subTest(loose=loose, flags=flags):
                    words = [f"folder '{folder}' has no model", f"{folder}/NAME/1/model.onnx", *loose]
                    self.assert_refused(NOT_FOUND, words, folder, "--port", 0, *flags)

    def test_without_models_may_be_meant_where_somebody_looks_again(self):
        folder = self.folder_of()
        run = self.run_serve(folder, "--watch", 0.05, "--check-config")
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertIn("no model yet", run.stdout)
        self.assertIn(f"note: folder '{folder}' has no model", run.stderr)
        server = self.enterContext(served.Served(options_test.PROGRAM, [folder], "--watch", "0.05"))
        self.assertIn("has no model", "".join(server.lines))
        served.save(served.affine(2), folder / "late/1/model.onnx")
        served.wait_until(lambda: b'"late"' in server.get("/v2/models/stats"), "it is served")

    def test_beside_models_are_noted(self):
        whole = self.folder_of("one/1/model.onnx")
        empty = self.folder_of()
        run = self.run_serve(whole, empty, "--check-config")
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertIn("1 model version", run.stdout)
        self.assertIn(f"note: folder '{empty}' has no model", run.stderr)

    def test_loose_files_beside_models_are_named(self):
        folder = self.folder_of("one/1/model.onnx", *(f"loose{i}.onnx" for i in range(6)))
        run = self.run_serve(folder, "--check-config")
        self.assertEqual(run.returncode, OK, run.stderr)
        self.assertIn("is not served: 'loose0.onnx', 'loose1.onnx', 'loose2.onnx', 'loose3.onnx' and 2 more; ", run.stderr)


class Addresses(options_test.Folder):
    def serve(self, *flags):
        return self.enterContext(served.Served(options_test.PROGRAM, [self.model], *flags))

    def test_localhost(self):
        server = self.serve("--address", "localhost")
        self.assertIn(f"http://127.0.0.1:{server.port}/", "".join(server.lines))
        self.assertEqual(server.get("/v2/health/ready"), b'{"ready":true}')

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_ipv6(self):
        for address in ("::1", "[::1]"):
            server = self.serve("--address", address)
            self.assertIn(f"http://[::1]:{server.port}/", "".join(server.lines))
            socket.create_connection(("::1", server.port), timeout=20).close()
        self.assertIn("http://localhost:", "".join(self.serve("--address", "::").lines))
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
            port = other.getsockname()[1]
            self.assert_refused(IO, f"cannot listen on [::1]:{port}", self.model, "--address", "::1", "--port", port)

    def test_what_is_none(self):
        for text in ("nowhere", "127.0.0.1:80", "[::1", "[]"):
            self.assert_refused(USAGE, f"'{text}' is no address", self.model, "--address", text)


class Values(options_test.Folder):
    def test_with_which_nobody_is_served(self):
        for name in ("header-timeout", "body-timeout", "idle-timeout", "write-timeout"):
            self.assert_refused(USAGE, [f"--{name}", "between 0.1 and"], self.model, f"--{name}", 0)
        self.assert_refused(USAGE, ["--max-megapixels", "between 0.001 and"], self.model, "--max-megapixels", 0)
        self.assert_refused(USAGE, ["no backend is called 'cuda'", "cpu"], self.model, "--backend", "cuda")
        for origin in ("not an origin", "example.org", "https://", "https://example.org/path"):
            self.assert_refused(USAGE, f"'{origin}' is no origin", self.model, "--cors", origin)

    def test_with_which_all_are(self):
        for origin in ("*", "null", "https://example.org:8443", "http://[::1]:80"):
            self.assert_right(self.model, "--cors", origin)
        for name in ("request-timeout", "watch", "notice", "drain", "max-requests-jitter"):
            self.assert_right(self.model, f"--{name}", 0)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is absent")
    def test_a_key_with_a_passphrase_asks_nobody(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-subj",
                        "/CN=localhost", "-passout", "pass:secret", "-out", self.folder / "c.pem", "-keyout", self.folder / "k.pem"],
                       check=True, capture_output=True)
        # With a terminal, at which OpenSSL would ask.
        parent, child = pty.openpty()
        self.addCleanup(os.close, parent)
        run = subprocess.run([options_test.PROGRAM, "serve", self.model, "--port", "0", "--tls-cert", "c.pem", "--tls-key", "k.pem"],
                             stdin=child, capture_output=True, text=True, check=False, timeout=20, cwd=self.folder, start_new_session=True,
                             preexec_fn=lambda: os.close(os.open(os.ttyname(child), os.O_RDWR)))
        os.close(child)
        self.assertEqual((run.returncode, run.stdout), (IO, ""))
        self.assertIn("TLS key 'k.pem' is encrypted", run.stderr)
        self.assertIn("openssl pkey -in k.pem", run.stderr)


if __name__ == "__main__":
    options_test.PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
