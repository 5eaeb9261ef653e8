"""TaskService: the tasks of a BMC and the monitors that a 202 points to."""

from simulator.bmc.tasks import RUNNING, Task
from simulator.bmc.tree import ROOT, Call, Resource, collection, dump, link, resource, status
from simulator.wire.http import Json, Reply

_HOME = f"{ROOT}/TaskService"


def view(task: Task) -> Json:
    body = resource(
        f"{_HOME}/Tasks/{task.id}",
        "Task.v1_7_4",
        task.name,
        TaskState=task.state,
        TaskStatus="OK" if task.running or task.state == "Completed" else "Critical",
        PercentComplete=task.percent,
        StartTime=task.started,
        TaskMonitor=f"{_HOME}/TaskMonitors/{task.id}",
        Messages=list(task.messages),
    )
    if task.ended is not None:
        body["EndTime"] = task.ended
    return body


def accepted(task: Task) -> Reply:
    """The 202 that begins a task."""
    return Reply(
        status=202,
        body=dump(view(task)),
        headers={"Location": f"{_HOME}/TaskMonitors/{task.id}", "Retry-After": "5"},
    )


def _service(_: Call) -> Json:
    return resource(
        _HOME,
        "TaskService.v1_2_1",
        "Task Service",
        ServiceEnabled=True,
        CompletedTaskOverWritePolicy="Oldest",
        LifeCycleEventOnTaskStateChange=False,
        Status=status(),
        Tasks=link(f"{_HOME}/Tasks"),
    )


def _list(call: Call) -> Json:
    return collection(
        f"{_HOME}/Tasks", "Task", "Task Collection", [task.id for task in call.bmc.tasks.visible()]
    )


def _one(call: Call) -> Json:
    task = call.bmc.tasks.find(call.names["task"])
    if task is None:
        raise call.missing()
    return view(task)


def _runs(body: Json) -> bool:
    return body["TaskState"] in RUNNING


RESOURCES = (
    Resource("TaskService", get=_service),
    Resource("TaskService/Tasks", get=_list),
    Resource("TaskService/Tasks/{task}", get=_one),
    Resource("TaskService/TaskMonitors/{task}", get=_one, pending=_runs),
)
