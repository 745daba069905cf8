"""The benchmark's networks: exact architectures, seeded random weights. Each file makes one family, as a Net (net.py)."""
from . import bert, mobilenet_v2, resnet50, unet_resnet34, yolov5

# name -> makes the Net. The names say the size of the input.
NETWORKS = {
    "yolov5s_640": lambda: yolov5.make("yolov5s_640", width=0.5, depth=0.33),
    "yolov5n_640": lambda: yolov5.make("yolov5n_640", width=0.25, depth=0.33),
    "mobilenetv2_224": lambda: mobilenet_v2.make("mobilenetv2_224"),
    "resnet50_224": lambda: resnet50.make("resnet50_224"),
    "unet_r34_512": lambda: unet_resnet34.make("unet_r34_512"),
    "bert_base_s128": lambda: bert.make("bert_base_s128", layers=12, width=768, heads=12, hidden=3072),
    "minilm_l6_s128": lambda: bert.make("minilm_l6_s128", layers=6, width=384, heads=12, hidden=1536),
}
