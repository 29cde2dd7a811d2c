"""Moving in: reading a live Azure Custom Vision project over its REST API and copying it into a suite."""

from customvision.client.azure.connection import AzureConnection
from customvision.client.azure.copying import CopiedImage, CopyOutcome, ProjectCopy, copy_images, prepare_copy
from customvision.client.azure.project import AzureImage, AzureProject, find_azure_project

__all__ = [
    "AzureConnection",
    "AzureImage",
    "AzureProject",
    "CopiedImage",
    "CopyOutcome",
    "ProjectCopy",
    "copy_images",
    "find_azure_project",
    "prepare_copy",
]
