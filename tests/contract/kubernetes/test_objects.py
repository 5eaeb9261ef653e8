"""Objects: created, read, listed, changed, watched and deleted, with the server's own refusals."""

from typing import Any

import pytest

from tests.support.kubernetes_target import Api, Target
from tests.support.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROUP = "test.starflock.io"
APPLY = "application/apply-patch+yaml"


def config(name: str, labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


async def configs(target: Target) -> str:
    return f"/api/v1/namespaces/{await target.namespace()}/configmaps"


async def test_an_object_gets_its_identity_from_the_server(target: Target) -> None:
    path = await configs(target)
    made = await target.api.ask("POST", path, config("a", x="1"))
    meta = made["metadata"]
    assert {"uid", "creationTimestamp", "resourceVersion", "name", "namespace"} <= set(meta)
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")
    assert (await target.api.ask("GET", f"{path}/a"))["metadata"]["uid"] == meta["uid"]


async def test_a_name_is_taken_once(target: Target) -> None:
    path = await configs(target)
    await target.api.ask("POST", path, config("a"))
    assert await target.api.refusal("POST", path, config("a")) == (409, "AlreadyExists")


async def test_a_name_is_made_of_a_prefix(target: Target) -> None:
    path = await configs(target)
    made = [await target.api.ask("POST", path, {"metadata": {"generateName": "a-"}}) for _ in range(2)]
    names = {each["metadata"]["name"] for each in made}
    assert len(names) == 2
    assert all(name.startswith("a-") for name in names)


async def test_what_is_not_there_is_not_found(target: Target) -> None:
    path = await configs(target)
    assert await target.api.refusal("GET", f"{path}/a") == (404, "NotFound")
    assert await target.api.refusal("DELETE", f"{path}/a") == (404, "NotFound")
    nowhere = "/api/v1/namespaces/starflock-nowhere/configmaps"
    assert await target.api.refusal("POST", nowhere, config("a")) == (404, "NotFound")
    assert (await target.api.ask("GET", nowhere))["items"] == []


async def test_a_stale_version_is_a_conflict(target: Target) -> None:
    path = await configs(target)
    first = await target.api.ask("POST", path, config("a", x="1"))
    second = await target.api.ask("PUT", f"{path}/a", {**first, "data": {"x": "2"}})
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert await target.api.refusal("PUT", f"{path}/a", {**first, "data": {"x": "3"}}) == (409, "Conflict")
    assert (await target.api.ask("GET", f"{path}/a"))["data"] == {"x": "2"}


async def test_a_merge_patch_takes_away_what_is_null(target: Target) -> None:
    path = await configs(target)
    await target.api.ask("POST", path, config("a", {"k": "v"}, x="1", y="2"))
    body = {"metadata": {"labels": {"k": None}}, "data": {"y": None, "z": "3"}}
    changed = await target.api.ask("PATCH", f"{path}/a", body)
    assert changed["data"] == {"x": "1", "z": "3"}
    assert not changed["metadata"].get("labels")


async def test_a_patch_that_changes_nothing_is_no_new_version(target: Target) -> None:
    path = await configs(target)
    made = await target.api.ask("POST", path, config("a", x="1"))
    again = await target.api.ask("PATCH", f"{path}/a", {"data": {"x": "1"}})
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_lists_are_selected_by_labels_and_fields(target: Target) -> None:
    path = await configs(target)
    for name, tier in (("a", "front"), ("b", "back"), ("c", "")):
        await target.api.ask(
            "POST", path, config(name, {"tier": tier, "all": "yes"} if tier else {"all": "yes"})
        )

    async def named(query: str) -> list[str]:
        found = await target.api.ask("GET", f"{path}?{query}")
        return [each["metadata"]["name"] for each in found["items"] if each["metadata"]["name"] in "abc"]

    assert await named("labelSelector=tier=front") == ["a"]
    assert await named("labelSelector=tier!=front,all") == ["b", "c"]
    assert await named("labelSelector=tier in (front,back)") == ["a", "b"]
    assert await named("labelSelector=!tier,all=yes") == ["c"]
    assert await named("fieldSelector=metadata.name=b") == ["b"]


async def test_a_long_list_comes_in_pages(target: Target) -> None:
    path = await configs(target)
    for number in range(5):
        await target.api.ask("POST", path, config(f"a-{number}", {"of": "us"}))
    first = await target.api.ask("GET", f"{path}?labelSelector=of=us&limit=3")
    token = first["metadata"]["continue"]
    rest = await target.api.ask("GET", f"{path}?labelSelector=of=us&limit=3&continue={token}")
    names = [each["metadata"]["name"] for each in first["items"] + rest["items"]]
    assert names == [f"a-{number}" for number in range(5)]
    assert not rest["metadata"].get("continue")


async def test_a_deletion_may_insist_on_the_very_thing(target: Target) -> None:
    path = await configs(target)
    made = await target.api.ask("POST", path, config("a"))
    other = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}}
    assert await target.api.refusal("DELETE", f"{path}/a", other) == (409, "Conflict")
    right = {**other, "preconditions": {"uid": made["metadata"]["uid"]}}
    await target.api.ask("DELETE", f"{path}/a", right)
    assert await target.api.refusal("GET", f"{path}/a") == (404, "NotFound")


async def test_a_finalizer_holds_a_thing_until_it_is_taken_away(target: Target) -> None:
    path = await configs(target)
    held = config("a")
    held["metadata"]["finalizers"] = ["starflock.io/held"]
    await target.api.ask("POST", path, held)
    await target.api.ask("DELETE", f"{path}/a")
    assert "deletionTimestamp" in (await target.api.ask("GET", f"{path}/a"))["metadata"]
    await target.api.ask("PATCH", f"{path}/a", {"metadata": {"finalizers": None}})
    assert await target.api.refusal("GET", f"{path}/a") == (404, "NotFound")


async def test_a_watch_tells_what_happens_since_a_version(target: Target) -> None:
    path = await configs(target)
    await target.api.ask("POST", path, config("before", {"w": "1"}))
    since = (await target.api.ask("GET", path))["metadata"]["resourceVersion"]
    query = f"watch=true&labelSelector=w=1&resourceVersion={since}&timeoutSeconds=2"
    async with target.api.watching(f"{path}?{query}") as events:
        await target.api.ask("POST", path, config("a", {"w": "1"}, x="1"))
        await target.api.ask("POST", path, config("other"))
        await target.api.ask("PATCH", f"{path}/a", {"data": {"x": "2"}})
        await target.api.ask("DELETE", f"{path}/a")
        seen = [(each["type"], each["object"]["metadata"]["name"]) async for each in events]
    assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_watch_without_a_version_begins_with_what_is_there(target: Target) -> None:
    path = await configs(target)
    await target.api.ask("POST", path, config("a", {"w": "1"}))
    async with target.api.watching(f"{path}?watch=1&labelSelector=w=1&timeoutSeconds=1") as events:
        seen = [(each["type"], each["object"]["metadata"]["name"]) async for each in events]
    assert seen == [("ADDED", "a")]


def definition(plural: str) -> dict[str, Any]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": plural, "singular": plural.rstrip("s"), "kind": plural.rstrip("s").title()}
    return {
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": names,
            "versions": [version | {"subresources": {"status": {}}}],
        },
    }


async def defined(target: Target, plural: str) -> str:
    """The path of a new custom resource in a namespace of its own."""
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    namespace = await target.namespace()
    await target.api.ask(
        "POST",
        definitions,
        {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **definition(plural)},
    )
    target.made.append(f"{definitions}/{plural}.{GROUP}")
    path = f"/apis/{GROUP}/v1/namespaces/{namespace}/{plural}"

    async def is_served() -> bool:
        return (await target.api.send("GET", path)).status == 200

    await until(is_served, plural)
    return path


def custom(kind: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "a"}, **more}


async def test_a_definition_brings_a_resource(target: Target) -> None:
    path = await defined(target, "antennas")
    assert (await target.api.ask("POST", path, custom("Antenna", spec={"x": 1})))["spec"] == {"x": 1}
    found = await target.api.ask("GET", f"/apis/{GROUP}/v1")
    assert "antennas" in [each["name"] for each in found["resources"]]
    group = await target.api.ask("GET", f"/apis/{GROUP}")
    assert group["preferredVersion"]["version"] == "v1"


async def test_status_and_the_rest_are_written_apart(target: Target) -> None:
    path = await defined(target, "masts")
    made = await target.api.ask("POST", path, custom("Mast", spec={"x": 1}, status={"y": 1}))
    assert "status" not in made
    assert made["metadata"]["generation"] == 1
    told = await target.api.ask("PATCH", f"{path}/a/status", {"spec": {"x": 2}, "status": {"y": 2}})
    assert (told["spec"], told["status"]) == ({"x": 1}, {"y": 2})
    assert told["metadata"]["generation"] == 1
    meant = await target.api.ask("PATCH", f"{path}/a", {"spec": {"x": 3}, "status": {"y": 3}})
    assert (meant["spec"], meant["status"]) == ({"x": 3}, {"y": 2})
    assert meant["metadata"]["generation"] == 2


async def test_a_field_has_one_manager(target: Target) -> None:
    path = await configs(target)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}
    if not target.has_apply:
        said = await target.api.refusal("PATCH", f"{path}/a?fieldManager=one", body, APPLY)
        assert said == (415, "UnsupportedMediaType")
        return
    await target.api.ask("PATCH", f"{path}/a?fieldManager=one", body, content=APPLY)
    other = {**body, "data": {"x": "2"}}
    refused = await target.api.refusal("PATCH", f"{path}/a?fieldManager=two", other, APPLY)
    assert refused == (409, "Conflict")
    forced = await target.api.ask("PATCH", f"{path}/a?fieldManager=two&force=true", other, content=APPLY)
    assert forced["data"] == {"x": "2"}


async def test_nobody_is_served_without_a_token(target: Target) -> None:
    if not target.account.token:
        pytest.skip("this cluster knows us by a certificate")
    stranger = Api(target.api.url, "wrong", target.api.trust)
    await stranger.open()
    try:
        assert await stranger.refusal("GET", "/api/v1/nodes") == (401, "Unauthorized")
    finally:
        await stranger.close()
