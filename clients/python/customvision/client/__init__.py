"""What a Python program imports to use the suite.

``Client`` waits for answers, ``AsyncClient`` is awaited; both have the same methods. Addresses and keys come from the
environment, or from the data folder of a suite on this machine::

    from pathlib import Path
    from customvision.client import Client

    with Client() as client:
        project = client.find_project("flowers")
        for prediction in client.predict(project.project_id, Path("rose.jpg")).predictions:
            print(f"{prediction.tag_name}: {prediction.probability:.1%}")
        for answer in client.predict_stream(project.project_id, Path("photos").glob("*.jpg")):
            if answer.response is not None:
                print(answer.image, answer.response.predictions[0].tag_name)
"""

from customvision.client.async_client import AsyncClient
from customvision.client.client import Client
from customvision.client.errors import CustomVisionError
from customvision.client.operations.evaluation import LabelledImage
from customvision.client.operations.image_files import Outcome, UploadedImage
from customvision.client.operations.many_images import ImageAnswer
from customvision.client.operations.projects import is_id
from customvision.client.settings import ClientSettings

__all__ = [
    "AsyncClient",
    "Client",
    "ClientSettings",
    "CustomVisionError",
    "ImageAnswer",
    "LabelledImage",
    "Outcome",
    "UploadedImage",
    "is_id",
]
