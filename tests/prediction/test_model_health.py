"""The standard health service, asked about single models."""

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from models import model
from prediction.running_suite import PATIENCE_SECONDS, Suite

Status = health_pb2.HealthCheckResponse


def asked(publish_name: str) -> health_pb2.HealthCheckRequest:
    """Returns the question about a model of project p."""
    return health_pb2.HealthCheckRequest(service=f"customvision.v1.PredictionService/p/{publish_name}")


async def test_each_model_has_a_health_of_its_own(suite: Suite) -> None:
    """Who watches a model's health is told when it is published, answers, goes, and when the service drains."""
    suite.project.publish("p", "good/one", "1", model())
    damaged = suite.project.add_artifact(b"not an artifact")
    suite.project.publish("p", "bad", "2", model_sha256=damaged, backbone_sha256=model().backbone_sha256)
    async with suite.prediction() as prediction:
        stub = health_pb2_grpc.HealthStub(prediction.channel)
        await prediction.until(lambda models: bool(models) and bool(models[0].failure_reason))
        await prediction.serving("", "1")
        statuses = [(await stub.Check(asked(name))).status for name in ("good/one", "bad")]
        assert statuses == [Status.SERVING, Status.NOT_SERVING]
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.Check(asked("none"))
        assert raised.value.code() == grpc.StatusCode.NOT_FOUND
        watch, kept = stub.Watch(asked("late")), stub.Watch(asked("good/one"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await watch.read()).status == Status.SERVICE_UNKNOWN
            assert (await kept.read()).status == Status.SERVING
            suite.project.publish("p", "late", "3", model())
            while (status := (await watch.read()).status) != Status.SERVING:
                assert status == Status.NOT_SERVING
            suite.project.unpublish("p", "late")
            assert (await watch.read()).status == Status.SERVICE_UNKNOWN
        # Of a service as a whole it answers as before.
        whole = health_pb2.HealthCheckRequest(service="customvision.v1.PredictionService")
        assert (await stub.Check(whole)).status == Status.SERVING
        await prediction.drain()
        assert (await kept.read()).status == Status.NOT_SERVING
