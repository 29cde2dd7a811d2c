"""The client for threads: every call waits."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from customvision.client.blocking_streams import OpenStreams
from customvision.client.channel import open_blocking_channel
from customvision.client.interceptors import Target
from customvision.client.operations import (
    answers,
    batched,
    evaluation,
    files,
    many_images,
    model_watch,
    paging,
    project_copies,
    projects,
    serving,
    training,
    upload,
    watch,
)
from customvision.client.operations.evaluation import LabelledImage
from customvision.client.operations.image_files import UploadedImage
from customvision.client.operations.many_images import Image, ImageAnswer
from customvision.client.operations.patience import Contact
from customvision.client.performers import BlockingPerformer
from customvision.client.settings import ClientSettings
from customvision.v1 import (
    images_pb2,
    iterations_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
    project_service_pb2_grpc,
    projects_pb2,
    stored_predictions_pb2,
    suggestions_pb2,
    tags_pb2,
    training_service_pb2,
    training_service_pb2_grpc,
)


class Client:
    """Calls the suite and waits for the answers. Safe to share between threads; close it, or use ``with``.

    ``project``, ``training`` and ``prediction`` are the typed stubs of the services, for every call of the contract;
    the methods are what takes more than one call. Keys and deadlines (30 seconds for single calls) are added to all
    of them, and all of them raise CustomVisionError::

        with Client() as client:
            project = client.find_project("flowers")
            answer = client.predict(project.project_id, Path("rose.jpg"))
            print(answer.predictions[0].tag_name)
    """

    def __init__(self, settings: ClientSettings | None = None, *, patience_seconds: float = 0.0) -> None:
        """Reads addresses and keys from the environment unless given. Does not connect yet.

        Once the suite has answered, a single call is repeated until its service was away for ``patience_seconds``.
        Give create calls a request_id then, so that a repeated one makes nothing twice.
        """
        self.settings = settings or ClientSettings()
        contact = Contact(patience_seconds)
        credentials = self.settings.credentials()
        self._streams = OpenStreams()
        self._channels = {
            service: open_blocking_channel(Target(service, address, credentials, contact), self._streams)
            for service, address in self.settings.addresses().items()
        }
        self.project = project_service_pb2_grpc.ProjectServiceStub(self._channels["project"])
        self.training = training_service_pb2_grpc.TrainingServiceStub(self._channels["training"])
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self._channels["prediction"])
        self._performer = BlockingPerformer(
            {"project": self.project, "training": self.training, "prediction": self.prediction}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections, and with them what still runs on them."""
        for channel in self._channels.values():
            channel.close()
        self._streams.wait()

    def find_project(self, name_or_id: str) -> projects_pb2.Project:
        """Returns the project with this id or exactly this name.

        Raises CustomVisionError: PROJECT_NOT_FOUND, or PROJECT_NAME_AMBIGUOUS where several share the name.
        """
        return self._performer.run(projects.find_project(name_or_id))

    def export_project(self, project_id: str) -> projects_pb2.ProjectExport:
        """Returns a token that lets its holder copy the project for a day. Raises CustomVisionError."""
        return self._performer.run(project_copies.export_project(project_id))

    def import_project(self, token: str, name: str = "") -> projects_pb2.Project:
        """Begins a copy of the project that the token is for, and returns it at once.

        Without a ``name`` it gets the project's, with a number behind it. Raises CustomVisionError.
        """
        return self._performer.run(project_copies.import_project(token, name))

    def wait_until_imported(self, project_id: str, *, timeout_seconds: float = 600.0) -> projects_pb2.Project:
        """Returns a copy once it is whole.

        Raises CustomVisionError: PROJECT_IMPORT_FAILED where it ended early, or PROJECT_NOT_IMPORTED_IN_TIME after
        ``timeout_seconds``.
        """
        return self._performer.run(project_copies.wait_until_imported(project_id, timeout_seconds))

    def upload_images(
        self,
        project_id: str,
        paths: Iterable[Path],
        tag_ids: Sequence[str] = (),
        *,
        metadata: Mapping[str, str] | None = None,
        patience_seconds: float = 60.0,
    ) -> Iterator[UploadedImage]:
        """Uploads files, gives each the tags and keeps the metadata; yields what became of each as it is acknowledged.

        Only files that the project does not hold with these tags and keys travel, so that repeating an upload is cheap
        and safe; images that are there keep the values of their metadata. A file that cannot be used is answered as
        refused and the others go on. A stream that breaks is repeated until the service has been away for
        ``patience_seconds``; then CustomVisionError is raised.
        """
        return self._performer.iterate(
            upload.upload_images(project_id, paths, tag_ids, metadata or {}, patience_seconds)
        )

    def create_images_from_urls(
        self, project_id: str, urls: Iterable[str], tag_ids: Sequence[str] = ()
    ) -> Iterator[images_pb2.ImageCreateResult]:
        """Has the service fetch images and give each the tags; yields what became of each, in order."""
        return self._performer.iterate(batched.create_images_from_urls(project_id, urls, tag_ids))

    def start_training(
        self,
        project_id: str,
        *,
        advanced: bool = False,
        budget_seconds: float | None = None,
        selected_tag_ids: Sequence[str] = (),
        base_iteration_id: str = "",
        base_project_id: str = "",
        force: bool = False,
    ) -> training_service_pb2.TrainingRun:
        """Freezes the data set, queues a run and returns it.

        An ``advanced`` one fine-tunes the network within ``budget_seconds`` (1 minute to 24 hours; 10 minutes unless
        given), where ``base_iteration_id`` is given, beginning with that iteration's; ``base_project_id`` is its
        project, unless it is this one. Only images with one of ``selected_tag_ids`` are used, where there are any;
        ``force`` trains also when nothing changed.
        Raises CustomVisionError.
        """
        return self._performer.run(
            training.start_training(
                project_id,
                advanced=advanced,
                budget_seconds=budget_seconds,
                selected_tag_ids=selected_tag_ids,
                base_iteration_id=base_iteration_id,
                base_project_id=base_project_id,
                force=force,
            )
        )

    def watch_training(
        self, training_run_id: str, after_sequence: int = 0, *, patience_seconds: float = 300.0
    ) -> Iterator[training_service_pb2.TrainingEvent]:
        """Yields a run's events after ``after_sequence``, each once and in order, and ends after the final one.

        Connects again by itself when the service restarts or the connection breaks. Raises CustomVisionError where
        there is no such run, or where the service has been away for ``patience_seconds``.
        """
        return self._performer.iterate(watch.watch_training(training_run_id, after_sequence, patience_seconds))

    def publish(
        self,
        project_id: str,
        iteration_id: str,
        publish_name: str,
        *,
        overwrite: bool = False,
        publish_target: str = "",
    ) -> iterations_pb2.Iteration:
        """Puts a completed iteration into service under a name; ``overwrite`` takes the name from another.

        ``publish_target`` is free text that is kept with the publication. Raises CustomVisionError.
        """
        return self._performer.run(serving.publish(project_id, iteration_id, publish_name, overwrite, publish_target))

    def wait_until_served(
        self, project_id: str, publish_name: str, iteration_id: str, *, timeout_seconds: float = 30.0
    ) -> None:
        """Returns once predictions under the name are answered by the iteration.

        Raises CustomVisionError: MODEL_NOT_LOADED, or MODEL_NOT_SERVED_IN_TIME after ``timeout_seconds``.
        """
        self._performer.run(serving.wait_until_served(project_id, publish_name, iteration_id, timeout_seconds))

    def predict(
        self,
        project_id: str,
        image: bytes | Path | str,
        publish_name: str = "",
        *,
        iteration_id: str = "",
        store: bool = False,
        application: str = "",
    ) -> prediction_service_pb2.PredictResponse:
        """Returns the probability of every tag, likeliest first, for one image: a file's bytes, its path, or its URL.

        ``publish_name`` may stay empty where the project has one published model; ``iteration_id`` in place of it asks
        any completed iteration. ``store`` keeps image and answer in the project, to be found by ``application``.
        Raises CustomVisionError.
        """
        steps = serving.predict(project_id, image, publish_name, iteration_id, store, application)
        return self._performer.run(steps)

    def predict_batch(
        self,
        project_id: str,
        images: Sequence[Image],
        publish_name: str = "",
        *,
        iteration_id: str = "",
        store: bool = False,
        application: str = "",
    ) -> prediction_service_pb2.PredictBatchResponse:
        """Returns what one model says of up to 64 images, 32 MiB in all; ``results`` are in order.

        What is wrong with one image is the ``failure`` of its result. Everything else is as for ``predict``.
        """
        request = prediction_service_pb2.PredictBatchRequest(
            project_id=project_id,
            publish_name=publish_name,
            iteration_id=iteration_id,
            store=store,
            application=application,
        )
        return self._performer.run(many_images.predict_batch(images, request))

    def predict_stream(
        self,
        project_id: str,
        images: Iterable[Image],
        publish_name: str = "",
        *,
        iteration_id: str = "",
        store: bool = False,
        application: str = "",
        patience_seconds: float = 60.0,
    ) -> Iterator[ImageAnswer]:
        """Asks about any number of images and yields the answers as they are ready, not in order.

        ``images`` is read as fast as answers come, from another thread. What is wrong with one image is the ``error``
        of its answer. Where the service has no room, or a stream breaks that has answered, questions are sent again,
        until the service has been away for ``patience_seconds``; then CustomVisionError is raised. Everything else is
        as for ``predict``.
        """
        question = prediction_service_pb2.PredictRequest(
            project_id=project_id,
            publish_name=publish_name,
            iteration_id=iteration_id,
            store=store,
            application=application,
        )
        return self._performer.iterate(many_images.predict_stream(images, question, patience_seconds))

    def suggest_tags(
        self, project_id: str, iteration_id: str, image_ids: Iterable[str]
    ) -> Iterator[suggestions_pb2.Suggestion]:
        """Yields what an iteration answers to untagged images of its project, which keeps it for people to confirm."""
        return self._performer.iterate(batched.suggest_tags(project_id, iteration_id, image_ids))

    def evaluate_iteration(
        self,
        project_id: str,
        iteration_id: str,
        images: Iterable[LabelledImage],
        *,
        threshold: float | None = None,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> training_service_pb2.EvaluateIterationResponse:
        """Returns how an iteration does on files of your own, of which the suite keeps nothing.

        ``on_sent`` hears after each image how many were sent. A file that cannot be read or is larger than 6 MiB is
        answered among the unreadable ones. Raises CustomVisionError.
        """
        steps = evaluation.evaluate_iteration(project_id, iteration_id, images, threshold, on_sent)
        return self._performer.run(steps)

    def export_iteration(
        self,
        project_id: str,
        iteration_id: str,
        target: Path,
        export_format: "training_service_pb2.ExportFormat.ValueType" = training_service_pb2.EXPORT_FORMAT_KERAS,
        *,
        overwrite: bool = True,
    ) -> Path:
        """Writes an iteration's model as a zip to ``target``, a file or a folder, and returns the path written.

        Raises CustomVisionError; its reason is FILE_EXISTS where there is a file and ``overwrite`` is False.
        """
        steps = files.export_iteration(project_id, iteration_id, export_format, target, overwrite)
        return self._performer.run(steps)

    def download_image(self, project_id: str, image_id: str, target: Path, *, overwrite: bool = True) -> Path:
        """Writes an image's stored bytes to ``target``, a file or a folder, and returns the path written.

        Raises CustomVisionError; its reason is FILE_EXISTS where there is a file and ``overwrite`` is False.
        """
        return self._performer.run(files.download_image(project_id, image_id, target, overwrite))

    def list_projects(self, name: str = "") -> Iterator[projects_pb2.Project]:
        """Yields all projects, oldest first, or only those with this name."""
        request = projects_pb2.ListProjectsRequest(name=name)
        return self._performer.iterate(paging.list_all("project", "ListProjects", request, "projects"))

    def list_tags(self, project_id: str) -> Iterator[tags_pb2.Tag]:
        """Yields a project's tags in order of creation."""
        request = tags_pb2.ListTagsRequest(project_id=project_id)
        return self._performer.iterate(paging.list_all("project", "ListTags", request, "tags"))

    def list_images(
        self,
        project_id: str,
        *,
        tag_ids: Sequence[str] = (),
        tagging_status: "images_pb2.TaggingStatus.ValueType" = images_pb2.TAGGING_STATUS_UNSPECIFIED,
        iteration_id: str = "",
        metadata_filter: str = "",
    ) -> Iterator[images_pb2.Image]:
        """Yields a project's images, oldest first; with ``iteration_id``, those that it was trained on.

        ``metadata_filter`` selects by metadata, such as ``split eq 'test'``.
        """
        request = images_pb2.ListImagesRequest(
            project_id=project_id,
            tag_ids=tag_ids,
            tagging_status=tagging_status,
            iteration_id=iteration_id,
            filter=metadata_filter,
        )
        return self._performer.iterate(paging.list_all("project", "ListImages", request, "images"))

    def list_iterations(self, project_id: str) -> Iterator[iterations_pb2.Iteration]:
        """Yields a project's iterations, newest first."""
        request = iterations_pb2.ListIterationsRequest(project_id=project_id)
        return self._performer.iterate(paging.list_all("project", "ListIterations", request, "iterations"))

    def list_image_results(
        self,
        project_id: str,
        iteration_id: str,
        *,
        wrong_only: bool = False,
        tag_id: str = "",
        taken_for_tag_id: str = "",
        threshold: float | None = None,
    ) -> Iterator[training_service_pb2.ImageResult]:
        """Yields what an iteration answers to its held-out images, the surest errors first."""
        request = training_service_pb2.ListImageResultsRequest(
            project_id=project_id,
            iteration_id=iteration_id,
            wrong_only=wrong_only,
            tag_id=tag_id,
            taken_for_tag_id=taken_for_tag_id,
            threshold=threshold,
        )
        return self._performer.iterate(paging.list_all("training", "ListImageResults", request, "results"))

    def list_predictions(
        self,
        project_id: str,
        *,
        iteration_id: str = "",
        application: str = "",
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        tags: Sequence[stored_predictions_pb2.PredictionTagFilter] = (),
        order: "stored_predictions_pb2.PredictionOrder.ValueType" = stored_predictions_pb2.PREDICTION_ORDER_UNSPECIFIED,
    ) -> Iterator[stored_predictions_pb2.StoredPrediction]:
        """Yields a project's stored predictions, newest first unless ``order`` says otherwise.

        Only those that match all that is given: recorded from ``start_time`` on and before ``end_time`` (UTC where
        they have no time zone), with the label ``application``, and the probabilities of at most two ``tags``.
        """
        steps = answers.list_predictions(project_id, iteration_id, application, start_time, end_time, tags, order)
        return self._performer.iterate(steps)

    def list_suggestions(
        self,
        project_id: str,
        iteration_id: str,
        *,
        tag_ids: Sequence[str] = (),
        threshold: float | None = None,
        order: "suggestions_pb2.SuggestionOrder.ValueType" = suggestions_pb2.SUGGESTION_ORDER_UNSPECIFIED,
    ) -> Iterator[suggestions_pb2.Suggestion]:
        """Yields what an iteration suggests for untagged images, least certain first unless ``order`` says otherwise.

        Only where any of ``tag_ids``, or any tag at all, has at least the probability ``threshold``.
        """
        return self._performer.iterate(answers.list_suggestions(project_id, iteration_id, tag_ids, threshold, order))

    def list_training_runs(
        self, project_id: str = "", *, iteration_id: str = ""
    ) -> Iterator[training_service_pb2.TrainingRun]:
        """Yields training runs, newest first: all, a project's, or an iteration's."""
        request = training_service_pb2.ListTrainingRunsRequest(project_id=project_id, iteration_id=iteration_id)
        return self._performer.iterate(paging.list_all("training", "ListTrainingRuns", request, "training_runs"))

    def list_models(self, project_id: str = "") -> Iterator[prediction_service_pb2.ServedModel]:
        """Yields the models that the prediction service knows, and how each is doing."""
        request = prediction_service_pb2.ListModelsRequest(project_id=project_id)
        return self._performer.iterate(paging.list_all("prediction", "ListModels", request, "models"))

    def watch_models(
        self, project_id: str = "", *, patience_seconds: float = 300.0
    ) -> Iterator[prediction_service_pb2.ModelEvent]:
        """Yields every model that the prediction service knows, then synchronized, then each change, without end.

        Connects again by itself when the service restarts or the connection breaks, and then yields what has changed
        meanwhile. Raises CustomVisionError where the service has been away for ``patience_seconds``.
        """
        return self._performer.iterate(model_watch.watch_models(project_id, patience_seconds))
