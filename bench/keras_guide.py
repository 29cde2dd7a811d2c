"""The baseline of training: transfer learning as the Keras guide "Transfer learning & fine-tuning" teaches it.

Ten epochs of a new classifier on the frozen MobileNetV2, then ten epochs of the whole network at a low rate; images
augmented by flips and small rotations. Runs as a program of its own: ``keras_guide.py PHOTOS TEST WEIGHTS`` prints
seconds and accuracy on the test photos as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

SIDE = 224
EPOCHS = 10
BATCH = 32


def main() -> None:
    """Trains on the photos below the first argument, one sub-folder per class, and tests on those below the second."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import numpy as np
    from PIL import Image

    def read(root: Path) -> tuple["np.ndarray", "np.ndarray"]:
        images, labels = [], []
        for label, folder in enumerate(sorted(root.iterdir())):
            for file in sorted(folder.iterdir()):
                with Image.open(file) as photo:
                    images.append(np.asarray(photo.convert("RGB").resize((SIDE, SIDE)), dtype=np.float32))
                labels.append(label)
        return np.stack(images), np.array(labels)

    started = time.perf_counter()
    pixels, answers = read(Path(sys.argv[1]))
    base = keras.applications.MobileNetV2(weights=sys.argv[3], include_top=False, input_shape=(SIDE, SIDE, 3))
    base.trainable = False
    inputs = keras.Input((SIDE, SIDE, 3))
    augmented = keras.layers.RandomRotation(0.1)(keras.layers.RandomFlip("horizontal")(inputs))
    features = base(keras.layers.Rescaling(1 / 127.5, -1)(augmented), training=False)
    pooled = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(features))
    model = keras.Model(inputs, keras.layers.Dense(int(answers.max()) + 1)(pooled))
    for rate in (1e-3, 1e-5):
        model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(pixels, answers, batch_size=BATCH, epochs=EPOCHS, verbose=0)
        base.trainable = True
    seconds = time.perf_counter() - started
    test, truth = read(Path(sys.argv[2]))
    right = model.predict(test, verbose=0).argmax(axis=1) == truth
    result = {"seconds": seconds, "accuracy": float(right.mean())}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
