"""For each format, what its README says of the file and of how to run it."""

from dataclasses import dataclass

from customvision.training.export.export_format import ExportFormat

# The same steps as the service's own, so that a photo gives the same pixels.
PREPARATION = """\
def pixels_of(path):
    picture = Image.open(path)
    picture.draft(None, ({twice}, {twice}))  # a JPEG is decoded no larger than needed
    picture = ImageOps.exif_transpose(picture).convert("RGBA")
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    resized = white.resize(({size}, {size}), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return numpy.asarray(resized, dtype="{dtype}")[None]
"""
IMPORTS = "from PIL import Image, ImageOps"
ENDING = """\
labels = open("labels.txt", encoding="utf-8").read().splitlines()
print(labels[probabilities.argmax()], probabilities.max())"""


@dataclass(frozen=True)
class Usage:
    """How a format is used: ``entry`` is its file or folder, ``packages`` what to install, ``batch`` and ``dtype`` its
    input, and ``imports`` and ``code`` what sets ``probabilities`` to the answer for the photo at ``path``."""

    title: str
    entry: str
    packages: str
    imports: str
    code: str
    dtype: str = "float32"
    batch: str = "n"

    def example(self, size: int) -> str:
        """Returns a program that prints the likeliest tag of ``photo.jpg`` and its probability."""
        preparation = PREPARATION.format(size=size, twice=2 * size, dtype=self.dtype)
        return f"import numpy\n{self.imports}\n{IMPORTS}\n\n\n{preparation}\n\n{self.code}\n{ENDING}"


_LITERT_CODE = """\
model = Interpreter("model.tflite").get_signature_runner()
probabilities = model(pixels=pixels_of("photo.jpg"))["probabilities"][0]"""

USAGES = {
    ExportFormat.KERAS: Usage(
        title="a Keras model",
        entry="model.keras",
        packages="keras tensorflow pillow",
        imports="import keras",
        code="""\
model = keras.models.load_model("model.keras")
probabilities = model.predict(pixels_of("photo.jpg"), verbose=0)[0]""",
    ),
    ExportFormat.SAVED_MODEL: Usage(
        title="a TensorFlow SavedModel",
        entry="saved_model",
        packages="tensorflow pillow",
        imports="import tensorflow",
        code="""\
model = tensorflow.saved_model.load("saved_model")
probabilities = model.serve(pixels_of("photo.jpg"))["probabilities"].numpy()[0]""",
    ),
    ExportFormat.LITERT: Usage(
        title="a LiteRT (TensorFlow Lite) model in float32",
        entry="model.tflite",
        packages="ai-edge-litert pillow",
        imports="from ai_edge_litert.interpreter import Interpreter",
        code=_LITERT_CODE,
    ),
    ExportFormat.LITERT_FLOAT16: Usage(
        title="a LiteRT (TensorFlow Lite) model with float16 weights",
        entry="model.tflite",
        packages="ai-edge-litert pillow",
        imports="from ai_edge_litert.interpreter import Interpreter",
        code=_LITERT_CODE,
    ),
    ExportFormat.ONNX: Usage(
        title="an ONNX model (opset 17)",
        entry="model.onnx",
        packages="onnxruntime pillow",
        imports="import onnxruntime",
        code="""\
model = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
probabilities = model.run(["probabilities"], {"pixels": pixels_of("photo.jpg")})[0][0]""",
    ),
    ExportFormat.OPENVINO: Usage(
        title="an OpenVINO model in float32",
        entry="openvino",
        packages="openvino pillow",
        imports="import openvino",
        code="""\
# Left alone, OpenVINO computes in bfloat16 on some processors, which moves probabilities by up to 0.05.
precision = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.Core().compile_model("openvino/model.xml", "CPU", precision)
probabilities = model({"pixels": pixels_of("photo.jpg")})["probabilities"][0]""",
        dtype="uint8",
        batch="1",
    ),
}
