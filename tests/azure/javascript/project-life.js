// The whole life of a project through the unmodified Azure SDKs for JavaScript, every operation that they have.
//
// node project-life.js FOLDER URL: FOLDER has photos in sub-folders Hemlock, Cherry and Other, URL leads to FOLDER.
// Where everything is, and the keys, come from the environment variables of Microsoft's quickstarts.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import customVisionPrediction from "@azure/cognitiveservices-customvision-prediction";
import customVisionTraining from "@azure/cognitiveservices-customvision-training";
import msRest from "@azure/ms-rest-js";

const [folder, url] = process.argv.slice(2);
const PUBLISHED = "my model/1";
const WAIT_MILLISECONDS = 60_000;
const { TrainingAPIClient } = customVisionTraining;
const { PredictionAPIClient } = customVisionPrediction;
const [training, trainingCalls] = recorded(TrainingAPIClient, "TRAINING", "Training-key");
const [prediction, predictionCalls] = recorded(PredictionAPIClient, "PREDICTION", "Prediction-key");

/** Makes a client as the quickstarts do, and a set that fills with the operations that are called. */
function recorded(Client, name, header) {
  const key = process.env[`VISION_${name}_KEY`];
  const credentials = new msRest.ApiKeyCredentials({ inHeader: { [header]: key } });
  const client = new Client(credentials, process.env[`VISION_${name}_ENDPOINT`]);
  const called = new Set();
  const note = (target, operation) => {
    called.add(operation);
    return typeof target[operation] === "function" ? target[operation].bind(target) : target[operation];
  };
  return [new Proxy(client, { get: note }), called];
}

const photos = (name) => readdirSync(`${folder}/${name}`).sort();
const photo = (name, file) => readFileSync(`${folder}/${name}/${file}`);
const download = async (link) => Buffer.from(await (await fetch(link)).arrayBuffer());

/** Asks until the status is no longer the one of work that goes on; it is then to be the wanted one. */
async function waitWhile(status, look, wanted) {
  const end = Date.now() + WAIT_MILLISECONDS;
  let found = await look();
  while (found.status === status && Date.now() < end) {
    await pause(100);
    found = await look();
  }
  assert.equal(found.status, wanted);
  return found;
}

async function makeProject() {
  const domains = await training.getDomains();
  const compact = domains.find((domain) => domain.name === "General (compact)");
  assert.equal((await training.getDomain(compact.id)).exportable, true);
  const project = await training.createProject("Sample Project", { domainId: compact.id });
  assert.equal(project.settings.classificationType, "Multilabel");
  assert.equal((await training.createProject("Sample Project")).name, "Sample Project");
  const changed = await training.updateProject(project.id, { ...project, description: "trees" });
  assert.equal(changed.description, "trees");
  assert.ok((await training.getProjects()).some((each) => each.id === project.id));
  return project;
}

async function makeTags(project) {
  const hemlock = await training.createTag(project.id, "Hemlock");
  const cherry = await training.createTag(project.id, "Japanese Cherry");
  const spare = await training.createTag(project.id, "spare", { type: "Negative" });
  await training.updateTag(project.id, spare.id, { name: "other", description: "", type: "Regular" });
  assert.equal((await training.getTag(project.id, spare.id)).name, "other");
  await training.deleteTag(project.id, spare.id);
  assert.equal((await training.getTags(project.id)).length, 2);
  return [hemlock, cherry];
}

async function upload(project, hemlock, cherry) {
  // All at once, as the quickstart does.
  const summaries = await Promise.all([
    ...photos("Hemlock").map((file) =>
      training.createImagesFromData(project.id, photo("Hemlock", file), { tagIds: [hemlock.id] }),
    ),
    ...photos("Cherry").map((file) =>
      training.createImagesFromData(project.id, photo("Cherry", file), { tagIds: [cherry.id] }),
    ),
  ]);
  assert.ok(summaries.every((summary) => summary.isBatchSuccessful));
  const [first] = photos("Hemlock");
  const again = { images: [{ name: first, contents: photo("Hemlock", first), tagIds: [hemlock.id] }] };
  const duplicate = await training.createImagesFromFiles(project.id, again);
  assert.deepEqual([duplicate.isBatchSuccessful, duplicate.images[0].status], [false, "OKDuplicate"]);
  const links = [photos("Other")[0], "none.jpg"].map((file) => ({ url: `${url}/Other/${file}` }));
  const fetched = await training.createImagesFromUrls(project.id, { images: links });
  assert.deepEqual(fetched.images.map((image) => image.status), ["OK", "ErrorSource"]);
}

async function lookAtImages(project, hemlock) {
  // Bare numbers come with the SDK's own wrapping.
  assert.equal((await training.getTaggedImageCount(project.id)).body, 20);
  assert.equal((await training.getUntaggedImageCount(project.id)).body, 1);
  assert.equal((await training.getImageCount(project.id, { taggingStatus: "Tagged" })).body, 20);
  assert.equal((await training.getTaggedImages(project.id, { tagIds: [hemlock.id], take: 4, skip: 8 })).length, 2);
  const [untagged] = await training.getUntaggedImages(project.id);
  assert.equal((await download(untagged.originalImageUri))[0], 0xff);
  await training.createImageTags(project.id, { tags: [{ imageId: untagged.id, tagId: hemlock.id }] });
  const [tagged] = await training.getImagesByIds(project.id, { imageIds: [untagged.id] });
  assert.equal(tagged.tags[0].tagName, "Hemlock");
  await training.deleteImageTags(project.id, [untagged.id], [hemlock.id]);
  const summary = await training.updateImageMetadata(project.id, [untagged.id], { camera: "front door" });
  assert.equal(summary.isBatchSuccessful, true);
  const found = await training.getImages(project.id, { filter: "camera eq 'front door'" });
  assert.deepEqual(found.map((image) => image.id), [untagged.id]);
  const artifact = await training.getArtifact(project.id, `/i-${project.id}/i-${untagged.id}`);
  assert.equal((await artifact.readableStreamBody.toArray()).at(0)[0], 0xff);
  const region = { imageId: untagged.id, tagId: hemlock.id, left: 0, top: 0, width: 1, height: 1 };
  for (const refused of [
    () => training.getImageRegionProposals(project.id, untagged.id),
    () => training.createImageRegions(project.id, { regions: [region] }),
    () => training.deleteImageRegions(project.id, [untagged.id]),
  ]) {
    await assert.rejects(refused, { code: "BadRequestNotSupported", statusCode: 400 });
  }
}

async function train(project) {
  const begun = await training.trainProject(project.id);
  assert.equal(begun.status, "Training");
  const iteration = await waitWhile("Training", () => training.getIteration(project.id, begun.id), "Completed");
  await assert.rejects(training.trainProject(project.id), { code: "BadRequestTrainingNotNeeded" });
  assert.equal((await training.getIterations(project.id)).length, 1);
  assert.equal((await training.updateIteration(project.id, iteration.id, { name: "first" })).name, "first");
  const figures = await training.getIterationPerformance(project.id, iteration.id, { threshold: 0.9 });
  assert.equal(figures.perTagPerformance.length, 2);
  assert.equal((await training.getImagePerformances(project.id, iteration.id)).length, 4);
  assert.equal((await training.getImagePerformanceCount(project.id, iteration.id)).body, 4);
  return iteration;
}

async function predict(project, iteration, hemlock) {
  await training.publishIteration(project.id, iteration.id, PUBLISHED, process.env.VISION_PREDICTION_RESOURCE_ID);
  const [file] = photos("Hemlock");
  const image = photo("Hemlock", file);
  const link = { url: `${url}/Hemlock/${file}` };
  for (const answer of [
    await prediction.classifyImage(project.id, PUBLISHED, image),
    await prediction.classifyImageWithNoStore(project.id, PUBLISHED, image),
    await prediction.classifyImageUrl(project.id, PUBLISHED, link),
    await prediction.classifyImageUrlWithNoStore(project.id, PUBLISHED, link),
    await training.quickTestImage(project.id, image, { iterationId: iteration.id }),
    await training.quickTestImageUrl(project.id, link, { store: false }),
  ]) {
    assert.equal(answer.predictions[0].tagId, hemlock.id);
    assert.equal(answer.iteration, iteration.id);
  }
  for (const refused of [
    () => prediction.detectImage(project.id, PUBLISHED, image),
    () => prediction.detectImageWithNoStore(project.id, PUBLISHED, image),
    () => prediction.detectImageUrl(project.id, PUBLISHED, link),
    () => prediction.detectImageUrlWithNoStore(project.id, PUBLISHED, link),
  ]) {
    await assert.rejects(refused, { code: "BadRequestNotSupported" });
  }
}

// Answers are kept in the background: programs that ask at once may come too early.
async function keptPredictions(project, count) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await everyPrediction(project);
    if (new Set(found.map((each) => each.id)).size >= count || Date.now() > deadline) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function everyPrediction(project) {
  const found = [];
  let query = { orderBy: "Newest", maxCount: 2 };
  do {
    const page = await training.queryPredictions(project.id, query);
    found.push(...page.results);
    // The SDK refuses to send a token back whole where the service filled in null.
    query = { ...query, session: page.token.session, continuation: page.token.continuation };
  } while (query.continuation);
  return found;
}

async function improve(project, iteration, hemlock) {
  const found = await keptPredictions(project, 3);
  assert.equal(new Set(found.map((each) => each.id)).size, 3);
  const kept = { images: [{ id: found[0].id, tagIds: [hemlock.id] }] };
  assert.equal((await training.createImagesFromPredictions(project.id, kept)).images[0].status, "OKDuplicate");
  await training.deletePrediction(project.id, found.slice(1).map((each) => each.id));
  const [untagged] = await training.getUntaggedImages(project.id);
  const [suggestion] = await training.suggestTagsAndRegions(project.id, iteration.id, [untagged.id]);
  const tagIds = suggestion.predictions.map((each) => each.tagId);
  const asked = { tagIds, threshold: 0, sortBy: "UncertaintyAscending" };
  assert.equal((await training.querySuggestedImages(project.id, iteration.id, asked)).results.length, 1);
  const counts = await training.querySuggestedImageCount(project.id, iteration.id, { tagIds, threshold: 0 });
  assert.ok(tagIds.every((tagId) => tagId in counts));
}

async function takeAlong(project, iteration) {
  await training.exportIteration(project.id, iteration.id, "OpenVino");
  const look = async () => (await training.getExports(project.id, iteration.id))[0];
  const done = await waitWhile("Exporting", look, "Done");
  assert.equal((await download(done.downloadUri)).subarray(0, 2).toString(), "PK");
  const { token } = await training.exportProject(project.id);
  const copy = await training.importProject(token, { name: "copy" });
  await waitWhile("Importing", () => training.getProject(copy.id), "Succeeded");
  await training.deleteProject(copy.id);
}

async function end(project, iteration) {
  await training.unpublishIteration(project.id, iteration.id);
  await training.deleteIteration(project.id, iteration.id);
  await training.deleteImages(project.id, { allImages: true, allIterations: true });
  assert.equal((await training.getImageCount(project.id)).body, 0);
  await training.deleteProject(project.id);
  await assert.rejects(training.getProject(project.id), { code: "NotFoundProject", statusCode: 404 });
}

function neverCalled(Client, called) {
  return Object.getOwnPropertyNames(Client.prototype).filter((name) => name !== "constructor" && !called.has(name));
}

const project = await makeProject();
const [hemlock, cherry] = await makeTags(project);
await upload(project, hemlock, cherry);
await lookAtImages(project, hemlock);
const iteration = await train(project);
await predict(project, iteration, hemlock);
await improve(project, iteration, hemlock);
await takeAlong(project, iteration);
await end(project, iteration);
assert.deepEqual(neverCalled(TrainingAPIClient, trainingCalls), []);
assert.deepEqual(neverCalled(PredictionAPIClient, predictionCalls), []);
