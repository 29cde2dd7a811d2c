"""What training says of the iterations of a copied project: figures, results and exports with the copy's own ids."""

import io
import json
import zipfile
from typing import Any

from customvision.v1 import projects_pb2, training_service_pb2
from project_calls import image_list, refusal_of
from project_copying import copied, iterations_of, tags_of
from training_suite import TrainingSuite, colored_photos


async def test_figures_results_and_exports_of_a_copy_are_its_own(suite: TrainingSuite) -> None:
    """All that the source's iteration answers its copy answers, too, with the ids of the copy; also once the source is
    gone, and the data set is known again."""
    project_id, _ = await suite.colored_project(per_tag=10)
    run = await suite.finished(await suite.start(project_id))
    copy = await copied(suite.project, project_id)
    before, after = [await tags_of(suite.project, it) for it in (project_id, copy.project_id)]
    [iteration] = await iterations_of(suite.project, copy.project_id)
    source_ids: dict[str, Any] = {"project_id": project_id, "iteration_id": run.iteration_id}
    copy_ids: dict[str, Any] = {"project_id": copy.project_id, "iteration_id": iteration.iteration_id}
    ids = {tag.tag_id: other.tag_id for tag, other in zip(before, after, strict=True)}
    figures = await suite.training.GetPerformance(training_service_pb2.GetPerformanceRequest(**source_ids))
    own = await suite.training.GetPerformance(training_service_pb2.GetPerformanceRequest(**copy_ids))
    assert own.overall == figures.overall == iteration.metrics
    assert [tag.tag_id for tag in own.tags] == [ids[tag.tag_id] for tag in figures.tags]
    assert list(own.confusion.tag_ids) == list(ids.values())
    assert list(own.confusion.counts) == list(figures.confusion.counts)

    results = [
        list((await suite.training.ListImageResults(training_service_pb2.ListImageResultsRequest(**of))).results)
        for of in (source_ids, copy_ids)
    ]
    sources = {image.image_id: image.content_sha256 for image in await image_list(suite.project, project_id)}
    copies = {image.image_id: image.content_sha256 for image in await image_list(suite.project, copy.project_id)}
    assert len(results[0]) == 4
    assert [copies[result.image_id] for result in results[1]] == [sources[result.image_id] for result in results[0]]
    assert [result.predictions[0].tag_id for result in results[1]] == [
        ids[result.predictions[0].tag_id] for result in results[0]
    ]
    assert (await refusal_of(suite.start(copy.project_id))).reason == "NOTHING_CHANGED"

    await suite.project.DeleteProject(projects_pb2.DeleteProjectRequest(project_id=project_id))
    request = training_service_pb2.ExportIterationRequest(
        **copy_ids, format=training_service_pb2.EXPORT_FORMAT_OPENVINO
    )
    data = b"".join([chunk.data async for chunk in suite.training.ExportIteration(request)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest, parity = [json.loads(archive.read(name)) for name in ("manifest.json", "parity.json")]
    assert [label["tag_id"] for label in manifest["labels"]] == list(ids.values())
    assert set(parity["image_ids"]) == {result.image_id for result in results[1]}
    await suite.upload(copy.project_id, colored_photos(0, 1, first=50), after[0].tag_id)
    again = await suite.finished(await suite.start(copy.project_id))
    assert again.iteration_name == "Iteration 2"
    compared = training_service_pb2.CompareIterationsRequest(**copy_ids, other_iteration_id=again.iteration_id)
    assert (await suite.training.CompareIterations(compared)).image_count > 0
