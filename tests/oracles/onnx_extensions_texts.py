"""Texts that tokenizers treat differently, for the oracles of onnxruntime-extensions and TensorFlow Text."""

TEXTS = ["Hello, world!", "", "  leading and   many  spaces ", "naïve café ÀÉÎõü ÿß", "I'll don't we've 'tis",
         "snake_case x=3.14 #tag @me", "中文字符 和 English", "日本語のテキスト 한국어", "Привет, мир! ΑΩ",
         "emoji 😀 \u200b zero\u00a0nbsp", "tab\tnew\nline\r\n", "e\u0301 combining", "UPPER lower MiXeD",
         "a" * 99, "b" * 150, "unaffable unwanted running", "'", "12345 67,890.12"]
