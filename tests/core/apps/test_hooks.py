"""Hooks are called one implementation at a time: an app's error is that app's error."""

import asyncio
from datetime import UTC, datetime
from types import ModuleType

import pytest

from core.apps.hooks import HookFailure, Hooks
from core.apps.native import check_jobs
from core.apps.registry import Refusal, load_apps
from plugin_sdk import hookimpl
from plugin_sdk.extension import Health, Job
from portal.testing.apps import GRANTS, good_app
from portal.testing.hub import MovedClock

BUILDING = ["register_routes", "register_flows", "register_jobs", "subscribe_events"]


def plugin(**hooks):
    module = ModuleType("app_of_this_test")
    for name, hook in hooks.items():
        setattr(module, name, hookimpl(hook))
    return module


@pytest.mark.parametrize("hook", [*BUILDING, "plugin_lifespan", "load_demonstration"])
def test_an_implementation_may_take_fewer_arguments_than_its_specification(hook):
    hooks = Hooks()
    namespace: dict = {}
    exec(f"def {hook}():\n    return ['answer']", namespace)
    hooks.register("one", plugin(**{hook: namespace[hook]}))
    assert hooks.implemented(hook) == ["one"]
    assert hooks.call("one", hook, hub=None, cast={}) == ["answer"]
    assert hooks.call("another", hook, "default", hub=None, cast={}) == "default"


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(1), RecursionError()])
def test_what_one_app_raises_names_the_hook_and_leaves_the_other_alone(error):
    def broken(hub):
        raise error

    def sound(hub):
        return ["fine"]

    hooks = Hooks()
    hooks.register("broken", plugin(register_jobs=broken))
    hooks.register("sound", plugin(register_jobs=sound))
    with pytest.raises(HookFailure, match="register_jobs"):
        hooks.call("broken", "register_jobs", hub=None)
    assert hooks.call("sound", "register_jobs", hub=None) == ["fine"]


def test_a_hook_with_an_argument_that_no_specification_has_is_refused():
    def portal_cards(hub, actor, secret):
        return []

    hooks = Hooks()
    with pytest.raises(HookFailure, match="secret"):
        hooks.register("curious", plugin(portal_cards=portal_cards))
    assert hooks.implemented("portal_cards") == []


async def test_a_hook_that_awaits_too_long_is_cut_off():
    async def health(hub):
        await asyncio.sleep(30)

    hooks = Hooks()
    hooks.register("slow", plugin(health=health))
    with pytest.raises(HookFailure, match=r"took longer than 0\.05 s"):
        await hooks.call_async("slow", "health", Health(ok=True), hub=None, seconds=0.05)


async def test_a_job_runs_when_the_manifest_says(make_hub, life):
    clock = MovedClock()
    clock.stand(datetime(2026, 3, 3, 0, 29, tzinfo=UTC))  # 08:29 in Shanghai
    hub = await make_hub(points=[good_app()], grants=GRANTS, clock=clock)
    jobs = hub.services.jobs
    await jobs.run_due()
    assert (len(life["jobs"]), life["digests"]) == (1, [])
    clock.move(seconds=60)
    for _ in range(3):
        await jobs.run_due()
    assert (len(life["jobs"]), len(life["digests"])) == (2, 1)
    await hub.set_state("good", "disabled")
    clock.move(days=3)
    await jobs.run_due()
    assert len(life["digests"]) == 1, "what is disabled runs nothing"
    await hub.set_state("good", "enabled")
    await jobs.run_due()
    await jobs.run_due()
    assert len(life["digests"]) == 2


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (("count",), "asks for digest and runs none"),
        (("count", "digest", "digest"), "it runs digest"),
        (("count", "digest", "spy"), "it runs spy"),
    ],
)
def test_jobs_are_those_of_the_manifest(keys, says):
    asked = load_apps([good_app()], GRANTS)[0].asked
    assert asked is not None

    async def run(actor):
        pass

    with pytest.raises(Refusal, match=says):
        check_jobs([Job(key=key, run=run) for key in keys], asked)
