"""What a drain does with each pod, what forbids it, and what its verdict names."""

from typing import Any

from models.drain import AT_ONCE, DrainLook, FoundBudget, NodePod
from models.maintenance import PodPolicy
from rules.drain import (
    NAMED,
    asked_about,
    blockers,
    evictable,
    next_evictions,
    plan,
    verdict,
    without_returned,
)

HOST = "controller-1"
ALLOW_ALL = PodPolicy(bare="delete", local_data="delete")
ASK_ALL = PodPolicy(bare="ask", local_data="ask")
OPEN = FoundBudget(name="default/web", allowed=1, healthy=2, needed=1, expected=2)
SHUT = OPEN.model_copy(update={"allowed": 0, "healthy": 1})
CLOSED = OPEN.model_copy(update={"allowed": 0, "needed": 2})


def pod(name: str = "web-1", **more: Any) -> NodePod:
    return NodePod(
        **({"namespace": "default", "name": name, "uid": f"u-{name}", "controller": "ReplicaSet/web"} | more)
    )


def look(*pods: NodePod, **more: Any) -> DrainLook:
    return DrainLook(is_node=True, pods=pods, **({"others": 1, "takers": 1} | more))


def test_a_node_with_pods_of_controllers_is_cordoned_and_emptied() -> None:
    found = plan(HOST, look(pod(budgets=("default/web",)), pod("api-1"), budgets=(OPEN,)), PodPolicy())
    assert found.steps == (
        "cordon controller-1",
        "evict 2 pods: default/api-1, default/web-1",
    )
    assert found.blockers == ()


def test_a_site_without_kubernetes_and_a_host_without_a_kubelet_plan_nothing() -> None:
    assert plan(HOST, DrainLook(is_declared=False), PodPolicy()).steps == ()
    assert plan(HOST, DrainLook(is_node=False, others=2, takers=2), PodPolicy()).steps == ()


def test_where_no_other_node_is_the_pods_go_down_with_their_host() -> None:
    alone = look(
        pod(budgets=("default/web",)), pod("b", controller=""), budgets=(CLOSED,), others=0, takers=0
    )
    found = plan(HOST, alone, ASK_ALL)
    assert found.steps == ("2 pods go down with controller-1: it has no other node",)
    assert found.blockers == ()


def test_another_node_that_takes_nothing_forbids_it() -> None:
    held = look(pod(), takers=0, away=("controller-0: not ready",))
    assert blockers(HOST, held, PodPolicy()) == ("no other node takes pods: controller-0: not ready",)
    assert blockers(HOST, look(takers=0), PodPolicy()) == ()


def test_a_bare_pod_is_asked_about_unless_the_policy_lets_it_go() -> None:
    found = look(pod("alone", controller=""))
    assert evictable(found, PodPolicy()) == ()
    assert [str(each) for each in asked_about(found, PodPolicy())] == ["default/alone"]
    assert "default/alone" in blockers(HOST, found, PodPolicy())[0]
    assert len(evictable(found, ALLOW_ALL)) == 1
    assert blockers(HOST, found, ALLOW_ALL) == ()


def test_local_data_is_asked_about_only_if_the_policy_says_so() -> None:
    found = look(pod(local_data=("cache",)))
    assert blockers(HOST, found, PodPolicy()) == ()
    assert "emptyDir" in blockers(HOST, found, ASK_ALL)[0]


def test_a_budget_that_needs_all_its_pods_forbids_it_and_one_that_lacks_some_is_waited_for() -> None:
    covered = pod(budgets=("default/web",))
    closed = plan(HOST, look(covered, budgets=(CLOSED,)), PodPolicy())
    assert closed.blockers == (
        "these budgets never let a pod go: default/web (needs 2 healthy pods of 2, has 2); scale up, "
        "or change them",
    )
    waited = plan(HOST, look(covered, budgets=(SHUT,)), PodPolicy())
    assert waited.blockers == ()
    assert waited.steps[-1] == "wait for budgets: default/web (needs 1 healthy pods of 2, has 1)"


def test_a_budget_that_was_not_counted_yet_is_waited_for() -> None:
    fresh = CLOSED.model_copy(update={"is_counted": False})
    found = plan(HOST, look(pod(budgets=("default/web",)), budgets=(fresh,)), PodPolicy())
    assert found.blockers == ()
    assert "not counted yet" in found.steps[-1]


def test_budgets_do_not_hold_a_pod_that_does_not_run() -> None:
    waiting = pod(budgets=("default/web", "default/other"), is_running=False)
    assert blockers(HOST, look(waiting, budgets=(CLOSED,)), PodPolicy()) == ()


def test_two_budgets_for_one_pod_forbid_it() -> None:
    found = blockers(HOST, look(pod(budgets=("default/a", "default/b"))), PodPolicy())
    assert found == (
        "the Eviction API serves no pod with more than one budget: default/web-1 (default/a, default/b)",
    )


def test_what_is_leaving_is_not_asked_again() -> None:
    assert evictable(look(pod(leaving_s=-20)), ALLOW_ALL) == ()
    assert blockers(HOST, look(pod(controller="", leaving_s=-20)), ASK_ALL) == ()


def test_pods_without_a_budget_go_first_and_in_bounded_lists() -> None:
    many = [pod(f"p-{number:03d}", budgets=("default/web",)) for number in range(AT_ONCE + 5)]
    found = next_evictions(look(*many, pod("z-free")), PodPolicy())
    assert len(found) == AT_ONCE
    assert found[0].name == "z-free"


def test_a_cordon_of_somebody_else_is_said_and_ours_is_not_repeated() -> None:
    assert plan(HOST, look(cordon="foreign"), PodPolicy()).steps == (
        "controller-1 was cordoned by somebody else and stays so",
    )
    assert plan(HOST, look(cordon="ours"), PodPolicy()).steps == ()


def test_the_verdict_names_what_holds() -> None:
    held = look(pod(budgets=("default/web",)), budgets=(SHUT,))
    assert verdict(HOST, held, "30m") == (
        "1 pod still on controller-1 after 30m: budgets hold: default/web (needs 1 healthy pods of 2, has 1)"
    )
    stuck = look(pod(leaving_s=90, finalizers=("example.com/held",)), pod("slow", leaving_s=90))
    assert verdict(HOST, stuck, "30m") == (
        "2 pods still on controller-1 after 30m: stuck: default/web-1 waits for example.com/held, "
        "default/slow should have ended 90 s ago"
    )
    assert "they are ending" in verdict(HOST, look(pod(leaving_s=-20)), "30m")
    assert "not let go: default/web-1; too many" in verdict(HOST, look(pod()), "30m", "too many requests")


def test_a_pod_that_ignores_the_cordon_is_sent_away_once() -> None:
    first = look(pod("infra-1", ignores_cordon=True))
    uids = frozenset(each.uid for each in first.pods)
    assert without_returned(first, uids).pods == first.pods
    later = look(pod("infra-2", ignores_cordon=True), pod("web-9"))
    assert [each.name for each in without_returned(later, uids).pods] == ["web-9"]


def test_a_line_names_only_the_first_few() -> None:
    found = plan(HOST, look(*[pod(f"p{number}") for number in range(NAMED + 3)]), PodPolicy())
    assert found.steps[-1].endswith("default/p4 and 3 more")
