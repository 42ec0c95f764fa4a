"""Dagster as its UI drives it: over GraphQL, against the webserver, with nothing in between."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from assets.dagster_runs.tags import PARTITION, RANGE_END, RANGE_START
from tests.e2e.conditions import until

LOCATION = "books"

Asset = tuple[str, ...]

_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
#: How Dagster's log announces the processes of a run.
_RUN_PROCESS = "Started process for run"
_STEP_PROCESS = 'Executing step "'
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
_BACKFILL_ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}


@dataclass(frozen=True, slots=True)
class DagsterRun:
    """A run as the runs page shows it. Times are seconds since 1970, None where it did not get so far."""

    id: str
    status: str
    tags: Mapping[str, str]
    started: float | None
    ended: float | None

    @property
    def has_ended(self) -> bool:
        return self.status in _ENDED


@dataclass(frozen=True, slots=True)
class Materialization:
    """One event of one partition. Of its metadata only texts, numbers and times are read."""

    partition: str
    run_id: str
    metadata: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Backfill:
    """Where a backfill stands; the numbers are of partitions, over all of its assets."""

    status: str
    materialized: int
    failed: int
    in_progress: int
    targeted: int
    error: str | None

    @property
    def has_ended(self) -> bool:
        return self.status in _BACKFILL_ENDED


@dataclass(frozen=True, slots=True)
class Tick:
    """One evaluation of a sensor."""

    status: str
    skip_reason: str | None
    run_ids: Sequence[str]
    error: str | None


class GraphQLError(Exception):
    """Dagster refused, or answered with an error."""


class Console:
    """A client of one webserver.

    Args:
        url: where it listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def query(self, text: str, **variables: Any) -> Any:
        """The `data` of the answer. Raises GraphQLError."""
        reply = self._http.post("/graphql", json={"query": text, "variables": variables})
        body = reply.json() if reply.headers.get("content-type", "").startswith("application/json") else {}
        if reply.status_code != httpx.codes.OK or body.get("errors"):
            raise GraphQLError(f"HTTP {reply.status_code}: {body.get('errors') or reply.text[:2000]}")
        return body["data"]

    # Whether it is there

    def answers(self) -> bool:
        """Whether the webserver has come up."""
        try:
            return self._http.get("/server_info").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def location_problem(self) -> str | None:
        """What keeps the code location from being used; None when it is loaded."""
        found = self.query(_LOCATIONS)["workspaceOrError"]
        for entry in found.get("locationEntries", []):
            loaded = entry["locationOrLoadError"]
            if loaded and loaded["__typename"] == "RepositoryLocation":
                return None
            return str((loaded or {}).get("message") or entry["loadStatus"])
        return str(found)

    def reload_location(self) -> None:
        """Reload the code server, as after it was replaced."""
        self.query(_RELOAD, location=LOCATION)

    def unhealthy_daemons(self) -> list[str]:
        """The daemons whose heartbeat is missing."""
        statuses = self.query(_DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return [each["daemonType"] for each in statuses if each["required"] and not each["healthy"]]

    # Runs

    def launch(self, asset: Asset, partition: str, *, tags: Mapping[str, str] | None = None) -> str:
        """Materialize one partition of one asset; the id of the Dagster run."""
        return self.launch_many([(asset, partition)], tags=tags)[0]

    def launch_many(
        self, wanted: Iterable[tuple[Asset, str]], *, tags: Mapping[str, str] | None = None
    ) -> list[str]:
        """One Dagster run for each pair of asset and partition."""
        params = [_execution(asset, {PARTITION: partition, **(tags or {})}) for asset, partition in wanted]
        return self._launched(self.query(_LAUNCH, params=params)["launchMultipleRuns"])

    @staticmethod
    def _launched(launched: Mapping[str, Any]) -> list[str]:
        results = launched.get("launchMultipleRunsResult", [launched])
        refused = [each for each in results if each["__typename"] != "LaunchRunSuccess"]
        if refused:
            raise GraphQLError(str(refused))
        return [each["run"]["runId"] for each in results]

    def launch_range(
        self, asset: Asset, first: str, last: str, *, tags: Mapping[str, str] | None = None
    ) -> str:
        """Materialize neighbouring partitions of one asset in one Dagster run; the run's id."""
        params = _execution(asset, {RANGE_START: first, RANGE_END: last, **(tags or {})})
        return self._launched(self.query(_LAUNCH, params=[params])["launchMultipleRuns"])[0]

    def reexecute(self, run_id: str, strategy: str) -> str:
        """As the run's page does: `ALL_STEPS`, `FROM_FAILURE` or `FROM_ASSET_FAILURE`; the new run's id."""
        params = {"parentRunId": run_id, "strategy": strategy}
        found = self.query(_REEXECUTE, params=params)["launchPipelineReexecution"]
        if found["__typename"] != "LaunchRunSuccess":
            raise GraphQLError(str(found))
        return str(found["run"]["runId"])

    def run(self, run_id: str) -> DagsterRun:
        return _run(self.query(_RUN, id=run_id)["runOrError"])

    def runs(self, *, status: str | None = None) -> list[DagsterRun]:
        """All runs, newest first."""
        filters = {"statuses": [status]} if status else {}
        found = self.query(_RUNS, filter=filters)["runsOrError"]
        return [_run(each) for each in found["results"]]

    def finished(self, run_id: str, *, within: float = 120) -> DagsterRun:
        """The run, once it has ended."""

        def ended() -> DagsterRun | None:
            run = self.run(run_id)
            return run if run.has_ended else None

        return until(ended, within=within, what=f"run {run_id} has ended")

    def terminate(self, run_id: str) -> None:
        """As the button does."""
        found = self.query(_TERMINATE, id=run_id)["terminateRun"]
        if found["__typename"] != "TerminateRunSuccess":
            raise GraphQLError(str(found))

    def run_process(self, run_id: str) -> int | None:
        """The id of the process that carries out the run; None before there is one."""
        return self._process(run_id, _RUN_PROCESS)

    def step_process(self, run_id: str) -> int | None:
        """The id of the process that carries out a step of the run; None before there is one."""
        return self._process(run_id, _STEP_PROCESS)

    def _process(self, run_id: str, announcement: str) -> int | None:
        for event in self.query(_LOG, id=run_id)["logsForRun"].get("events", []):
            if event.get("message", "").startswith(announcement):
                entries = {each["label"]: each.get("text") for each in event.get("metadataEntries", [])}
                return int(entries["pid"])
        return None

    def failure_text(self, run_id: str) -> str:
        """What the failed steps of a run say."""
        events = self.query(_FAILURES, id=run_id)["logsForRun"].get("events", [])
        errors = [event["error"] for event in events if event.get("error")]
        causes = [cause for error in errors for cause in (error, *error.get("causes", []))]
        return "\n".join(cause["message"] for cause in causes)

    def step_seconds(self, run_id: str) -> float:
        """How long the only step of an ended run took, start of its process left out."""
        (step,) = self.query(_STEPS, id=run_id)["runOrError"]["stepStats"]
        return float(step["endTime"]) - float(step["startTime"])

    # Backfills and partitions

    def backfill(self, assets: Iterable[Asset], partitions: Sequence[str]) -> str:
        """Materialize these partitions of all these assets; the id of the backfill."""
        params = {
            "assetSelection": [{"path": list(asset)} for asset in assets],
            "partitionNames": list(partitions),
        }
        launched = self.query(_BACKFILL, params=params)["launchPartitionBackfill"]
        if launched["__typename"] != "LaunchBackfillSuccess":
            raise GraphQLError(str(launched))
        return str(launched["backfillId"])

    def backfill_status(self, backfill_id: str) -> Backfill:
        found = self.query(_BACKFILL_STATUS, id=backfill_id)["partitionBackfillOrError"]
        counts = (found["assetBackfillData"] or {}).get("assetBackfillStatuses", [])

        def total(name: str) -> int:
            return sum(each.get(f"numPartitions{name}", 0) for each in counts)

        return Backfill(
            found["status"],
            total("Materialized"),
            total("Failed"),
            total("InProgress"),
            total("Targeted"),
            (found["error"] or {}).get("message"),
        )

    def backfill_finished(self, backfill_id: str, *, within: float) -> Backfill:
        """The backfill, once it has ended, whichever way."""

        def ended() -> Backfill | None:
            status = self.backfill_status(backfill_id)
            return status if status.has_ended else None

        return until(ended, within=within, what=f"backfill {backfill_id} has ended", every=3)

    def partition_statuses(self, asset: Asset, partitions: Sequence[str]) -> Mapping[str, str]:
        """What the partition bar shows: MATERIALIZED, FAILED or MATERIALIZING; missing ones are left out."""
        node = self.query(_PARTITIONS, asset=list(asset))["assetNodeOrError"]
        ranges = node["assetPartitionStatuses"]["ranges"]
        return {
            partition: each["status"]
            for each in ranges
            for partition in partitions
            if each["startKey"] <= partition <= each["endKey"]
        }

    def materializations(self, asset: Asset, partitions: Sequence[str]) -> list[Materialization]:
        """All events of these partitions, newest first."""
        node = self.query(_MATERIALIZATIONS, asset=list(asset), partitions=list(partitions))
        return [
            Materialization(
                each["partition"],
                each["runId"],
                {entry["label"]: _value(entry) for entry in each["metadataEntries"]},
                {tag["key"]: tag["value"] for tag in each["tags"]},
            )
            for each in node["assetNodeOrError"]["assetMaterializations"]
        ]

    def event_counts(self, asset: Asset, partitions: Sequence[str]) -> Mapping[str, int]:
        """How many events each partition has."""
        node = self.query(_EVENT_PARTITIONS, asset=list(asset), partitions=list(partitions))
        events = node["assetNodeOrError"]["assetMaterializations"]
        return Counter(str(each["partition"]) for each in events)

    def observed_report_runs(self, asset: Asset, partition: str) -> list[str]:
        """The report runs the partition is known to have waited for, newest first."""
        node = self.query(_OBSERVATIONS, asset=list(asset), partitions=[partition])
        return [
            entry["text"]
            for each in node["assetNodeOrError"]["assetObservations"]
            for entry in each["metadataEntries"]
            if entry["label"] == "stripe/report_run_id"
        ]

    def cancel_backfill(self, backfill_id: str) -> None:
        """As the button does."""
        found = self.query(_CANCEL_BACKFILL, id=backfill_id)["cancelPartitionBackfill"]
        if found["__typename"] != "CancelBackfillSuccess":
            raise GraphQLError(str(found))

    def wipe(self, asset: Asset) -> None:
        """All events of an asset, as the button does."""
        found = self.query(_WIPE, ranges=[{"assetKey": {"path": list(asset)}}])["wipeAssets"]
        if found["__typename"] != "AssetWipeSuccess":
            raise GraphQLError(str(found))

    # Sensors

    def sensors(self) -> Mapping[str, str]:
        """Name to RUNNING or STOPPED."""
        found = self.query(_SENSORS, selector=_REPOSITORY)["sensorsOrError"]
        return {each["name"]: each["sensorState"]["status"] for each in found["results"]}

    def start_sensor(self, name: str) -> None:
        self._expect_sensor(self.query(_START_SENSOR, selector=_sensor(name))["startSensor"])

    def ticks(self, name: str) -> list[Tick]:
        """The latest evaluations, newest first."""
        state = self.query(_SENSOR, selector=_sensor(name))["sensorOrError"]["sensorState"]
        return [
            Tick(each["status"], each["skipReason"], each["runIds"], (each["error"] or {}).get("message"))
            for each in state["ticks"]
        ]

    def last_tick(self, name: str) -> float:
        """When the latest evaluation that has ended began, in seconds since 1970; 0 for none."""
        state = self.query(_SENSOR, selector=_sensor(name))["sensorOrError"]["sensorState"]
        return max((each["timestamp"] for each in state["ticks"] if each["status"] != "STARTED"), default=0.0)

    @staticmethod
    def _expect_sensor(answer: Mapping[str, Any]) -> None:
        if answer["__typename"] != "Sensor":
            raise GraphQLError(str(answer))


def _sensor(name: str) -> dict[str, str]:
    return {**_REPOSITORY, "sensorName": name}


def _execution(asset: Asset, tags: Mapping[str, str]) -> dict[str, Any]:
    return {
        "selector": {
            **_REPOSITORY,
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": list(asset)}],
        },
        "runConfigData": {},
        "mode": "default",
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
    }


def _run(found: Mapping[str, Any]) -> DagsterRun:
    if "status" not in found:
        raise GraphQLError(str(found))
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    return DagsterRun(found["runId"], found["status"], tags, found["startTime"], found["endTime"])


def _value(entry: Mapping[str, Any]) -> Any:
    for name in ("text", "intValue", "floatValue", "boolValue", "timestamp"):
        if entry.get(name) is not None:
            return entry[name]
    return None


def missing(counts: Mapping[str, int], partitions: Collection[str]) -> list[str]:
    """The partitions that have no event."""
    return sorted(set(partitions) - set(counts))


_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
  locationOrLoadError { __typename ... on PythonError { message } } } } ... on PythonError { message } } }"""
_RELOAD = """mutation ($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) { __typename } }"""
_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"

_LAUNCH = """mutation ($params: [ExecutionParams!]!) { launchMultipleRuns(executionParamsList: $params) {
  __typename ... on PythonError { message } ... on LaunchMultipleRunsResult { launchMultipleRunsResult {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } } } } }"""
_REEXECUTE = """mutation ($params: ReexecutionParams!) {
  launchPipelineReexecution(reexecutionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUN = """query ($id: ID!) { runOrError(runId: $id) { __typename
  ... on Run { runId status startTime endTime tags { key value } } } }"""
_RUNS = """query ($filter: RunsFilter!) { runsOrError(filter: $filter) { __typename
  ... on Runs { results { runId status startTime endTime tags { key value } } } } }"""
_STEPS = """query ($id: ID!) { runOrError(runId: $id) { __typename
  ... on Run { stepStats { startTime endTime } } } }"""
_TERMINATE = """mutation ($id: String!) { terminateRun(runId: $id) { __typename
  ... on TerminateRunFailure { message } ... on RunNotFoundError { message }
  ... on PythonError { message } } }"""
_LOG = """query ($id: ID!) { logsForRun(runId: $id) { __typename ... on EventConnection { events {
  ... on MessageEvent { message }
  ... on EngineEvent { metadataEntries { label ... on TextMetadataEntry { text } } }
  ... on StepWorkerStartedEvent { metadataEntries { label ... on TextMetadataEntry { text } } } } } } }"""

_FAILURES = """query ($id: ID!) { logsForRun(runId: $id) { __typename ... on EventConnection { events {
  ... on ExecutionStepFailureEvent { error { message causes { message } } } } } } }"""

_BACKFILL = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PartitionKeysNotFoundError { message }
  ... on PythonError { message } ... on UnauthorizedError { message } } }"""
_BACKFILL_STATUS = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on PythonError { message }
  ... on PartitionBackfill { status error { message } assetBackfillData { assetBackfillStatuses {
    ... on AssetPartitionsStatusCounts { numPartitionsTargeted numPartitionsInProgress
      numPartitionsMaterialized numPartitionsFailed } } } } } }"""
_CANCEL_BACKFILL = """mutation ($id: String!) { cancelPartitionBackfill(backfillId: $id) {
  __typename ... on PythonError { message } ... on UnauthorizedError { message } } }"""
_WIPE = """mutation ($ranges: [PartitionsByAssetSelector!]!) { wipeAssets(assetPartitionRanges: $ranges) {
  __typename ... on PythonError { message } ... on UnsupportedOperationError { message } } }"""
_PARTITIONS = """query ($asset: [String!]!) { assetNodeOrError(assetKey: { path: $asset }) {
  ... on AssetNode { assetPartitionStatuses { __typename
    ... on TimePartitionStatuses { ranges { startKey endKey status } } } } } }"""
_MATERIALIZATIONS = """query ($asset: [String!]!, $partitions: [String!]!) {
  assetNodeOrError(assetKey: { path: $asset }) { ... on AssetNode {
    assetMaterializations(partitions: $partitions) { runId partition tags { key value }
      metadataEntries { label ... on TextMetadataEntry { text } ... on IntMetadataEntry { intValue }
        ... on FloatMetadataEntry { floatValue } ... on BoolMetadataEntry { boolValue }
        ... on TimestampMetadataEntry { timestamp } } } } } }"""
_EVENT_PARTITIONS = """query ($asset: [String!]!, $partitions: [String!]!) {
  assetNodeOrError(assetKey: { path: $asset }) { ... on AssetNode {
    assetMaterializations(partitions: $partitions) { partition } } } }"""
_OBSERVATIONS = """query ($asset: [String!]!, $partitions: [String!]!) {
  assetNodeOrError(assetKey: { path: $asset }) { ... on AssetNode {
    assetObservations(partitions: $partitions) {
      metadataEntries { label ... on TextMetadataEntry { text } } } } } }"""

_SENSORS = """query ($selector: RepositorySelector!) { sensorsOrError(repositorySelector: $selector) {
  __typename ... on Sensors { results { name sensorState { status } } } } }"""
_SENSOR = """query ($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { __typename
  ... on Sensor { sensorState { id status
    ticks(limit: 20) { timestamp status skipReason runIds error { message } } } } } }"""
_START_SENSOR = """mutation ($selector: SensorSelector!) { startSensor(sensorSelector: $selector) {
  __typename ... on PythonError { message } } }"""
