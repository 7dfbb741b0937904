"""The PyPI package `datadog-api-client`, sync and async, with nothing but host and keys set."""

import asyncio
import time
from datetime import datetime, timedelta, timezone

import pytest
from datadog_api_client import ApiClient, AsyncApiClient, Configuration
from datadog_api_client.exceptions import ApiException, ForbiddenException, NotFoundException
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v1.api.hosts_api import HostsApi
from datadog_api_client.v1.api.metrics_api import MetricsApi as MetricsV1
from datadog_api_client.v1.api.service_checks_api import ServiceChecksApi
from datadog_api_client.v1.api.tags_api import TagsApi
from datadog_api_client.v1.model.distribution_point import DistributionPoint
from datadog_api_client.v1.model.distribution_points_content_encoding import DistributionPointsContentEncoding
from datadog_api_client.v1.model.distribution_points_payload import DistributionPointsPayload
from datadog_api_client.v1.model.distribution_points_series import DistributionPointsSeries
from datadog_api_client.v1.model.host_mute_settings import HostMuteSettings
from datadog_api_client.v1.model.host_tags import HostTags
from datadog_api_client.v1.model.metric_metadata import MetricMetadata
from datadog_api_client.v1.model.metrics_payload import MetricsPayload
from datadog_api_client.v1.model.point import Point
from datadog_api_client.v1.model.series import Series
from datadog_api_client.v1.model.service_check import ServiceCheck
from datadog_api_client.v1.model.service_check_status import ServiceCheckStatus
from datadog_api_client.v1.model.service_checks import ServiceChecks
from datadog_api_client.v2.api.key_management_api import KeyManagementApi
from datadog_api_client.v2.api.metrics_api import MetricsApi as MetricsV2
from datadog_api_client.v2.api.users_api import UsersApi
from datadog_api_client.v2.model.api_key_create_attributes import APIKeyCreateAttributes
from datadog_api_client.v2.model.api_key_create_data import APIKeyCreateData
from datadog_api_client.v2.model.api_key_create_request import APIKeyCreateRequest
from datadog_api_client.v2.model.api_key_update_attributes import APIKeyUpdateAttributes
from datadog_api_client.v2.model.api_key_update_data import APIKeyUpdateData
from datadog_api_client.v2.model.api_key_update_request import APIKeyUpdateRequest
from datadog_api_client.v2.model.api_keys_type import APIKeysType
from datadog_api_client.v2.model.application_key_create_attributes import ApplicationKeyCreateAttributes
from datadog_api_client.v2.model.application_key_create_data import ApplicationKeyCreateData
from datadog_api_client.v2.model.application_key_create_request import ApplicationKeyCreateRequest
from datadog_api_client.v2.model.application_keys_type import ApplicationKeysType
from datadog_api_client.v2.model.formula_limit import FormulaLimit
from datadog_api_client.v2.model.metric_bulk_configure_tags_type import MetricBulkConfigureTagsType
from datadog_api_client.v2.model.metric_bulk_tag_config_create import MetricBulkTagConfigCreate
from datadog_api_client.v2.model.metric_bulk_tag_config_create_attributes import MetricBulkTagConfigCreateAttributes
from datadog_api_client.v2.model.metric_bulk_tag_config_create_request import MetricBulkTagConfigCreateRequest
from datadog_api_client.v2.model.metric_content_encoding import MetricContentEncoding
from datadog_api_client.v2.model.metric_intake_type import MetricIntakeType
from datadog_api_client.v2.model.metric_payload import MetricPayload
from datadog_api_client.v2.model.metric_point import MetricPoint
from datadog_api_client.v2.model.metric_resource import MetricResource
from datadog_api_client.v2.model.metric_series import MetricSeries
from datadog_api_client.v2.model.metric_tag_configuration_create_attributes import (
    MetricTagConfigurationCreateAttributes,
)
from datadog_api_client.v2.model.metric_tag_configuration_create_data import MetricTagConfigurationCreateData
from datadog_api_client.v2.model.metric_tag_configuration_create_request import MetricTagConfigurationCreateRequest
from datadog_api_client.v2.model.metric_tag_configuration_metric_types import MetricTagConfigurationMetricTypes
from datadog_api_client.v2.model.metric_tag_configuration_type import MetricTagConfigurationType
from datadog_api_client.v2.model.metric_tag_configuration_update_attributes import (
    MetricTagConfigurationUpdateAttributes,
)
from datadog_api_client.v2.model.metric_tag_configuration_update_data import MetricTagConfigurationUpdateData
from datadog_api_client.v2.model.metric_tag_configuration_update_request import MetricTagConfigurationUpdateRequest
from datadog_api_client.v2.model.metrics_aggregator import MetricsAggregator
from datadog_api_client.v2.model.metrics_data_source import MetricsDataSource
from datadog_api_client.v2.model.metrics_scalar_query import MetricsScalarQuery
from datadog_api_client.v2.model.metrics_timeseries_query import MetricsTimeseriesQuery
from datadog_api_client.v2.model.query_formula import QueryFormula
from datadog_api_client.v2.model.query_sort_order import QuerySortOrder
from datadog_api_client.v2.model.scalar_formula_query_request import ScalarFormulaQueryRequest
from datadog_api_client.v2.model.scalar_formula_request import ScalarFormulaRequest
from datadog_api_client.v2.model.scalar_formula_request_attributes import ScalarFormulaRequestAttributes
from datadog_api_client.v2.model.scalar_formula_request_queries import ScalarFormulaRequestQueries
from datadog_api_client.v2.model.scalar_formula_request_type import ScalarFormulaRequestType
from datadog_api_client.v2.model.timeseries_formula_query_request import TimeseriesFormulaQueryRequest
from datadog_api_client.v2.model.timeseries_formula_request import TimeseriesFormulaRequest
from datadog_api_client.v2.model.timeseries_formula_request_attributes import TimeseriesFormulaRequestAttributes
from datadog_api_client.v2.model.timeseries_formula_request_queries import TimeseriesFormulaRequestQueries
from datadog_api_client.v2.model.timeseries_formula_request_type import TimeseriesFormulaRequestType


def configuration_of(galgo, **keys):
    configuration = Configuration(host=galgo.url)
    configuration.api_key["apiKeyAuth"] = keys.get("api_key", galgo.api_key)
    configuration.api_key["appKeyAuth"] = keys.get("app_key", galgo.app_key)
    configuration.enable_retry = False
    return configuration


@pytest.fixture
def client(galgo):
    with ApiClient(configuration_of(galgo)) as client:
        yield client


def v2_payload(name, value, kind=MetricIntakeType.GAUGE, host="ac.host", tags=(), at=None):
    point = MetricPoint(timestamp=int(at or time.time()), value=value)
    resources = [MetricResource(name=host, type="host")]
    return MetricPayload(
        series=[MetricSeries(metric=name, type=kind, points=[point], resources=resources, tags=list(tags), interval=10)]
    )


def send(client, name, value, **more):
    answer = MetricsV2(client).submit_metrics(body=v2_payload(name, value, **more))
    assert answer["errors"] == []


def last_hour():
    now = int(time.time())
    return {"_from": (now - 3600) * 1000, "to": (now + 60) * 1000}


def timeseries(queries, formulas, interval=10_000):
    return TimeseriesFormulaQueryRequest(
        data=TimeseriesFormulaRequest(
            type=TimeseriesFormulaRequestType.TIMESERIES_REQUEST,
            attributes=TimeseriesFormulaRequestAttributes(
                formulas=[QueryFormula(formula=formula) for formula in formulas],
                queries=TimeseriesFormulaRequestQueries(
                    [
                        MetricsTimeseriesQuery(data_source=MetricsDataSource.METRICS, query=query, name=name)
                        for name, query in queries.items()
                    ]
                ),
                interval=interval,
                **last_hour(),
            ),
        )
    )


def test_validate(galgo, client):
    assert AuthenticationApi(client).validate().valid is True
    with ApiClient(configuration_of(galgo, api_key="0" * 32)) as stranger:
        with pytest.raises(ForbiddenException):
            AuthenticationApi(stranger).validate()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd1", None])
def test_v2_series_in_every_encoding(client, name, encoding):
    more = {"content_encoding": MetricContentEncoding(encoding)} if encoding else {}
    answer = MetricsV2(client).submit_metrics(body=v2_payload(name, 0.7), **more)
    assert answer["errors"] == []
    assert [point[1] for point in query(client, f"avg:{name}{{*}}")[0].pointlist_values] == [0.7]


class Found:
    """A series of a v1 answer, its points as plain lists."""

    def __init__(self, series):
        self.series = series
        self.pointlist_values = [list(point.value) if hasattr(point, "value") else list(point) for point in series.pointlist]


def query(client, text):
    now = int(time.time())
    answer = MetricsV1(client).query_metrics(_from=now - 3600, to=now + 60, query=text)
    assert answer.status == "ok" and answer.query == text
    return [Found(series) for series in answer.series]


def test_v1_series_and_distributions(client, name):
    now = time.time()
    MetricsV1(client).submit_metrics(
        body=MetricsPayload(series=[Series(metric=name, type="gauge", points=[Point([now, 1.1])], tags=["test:v1"])])
    )
    assert query(client, f"avg:{name}{{test:v1}}")[0].pointlist_values[0][1] == 1.1
    answer = MetricsV1(client).submit_distribution_points(
        content_encoding=DistributionPointsContentEncoding.DEFLATE,
        body=DistributionPointsPayload(
            series=[
                DistributionPointsSeries(metric=f"{name}.dist", points=[DistributionPoint([now, [1.0, 2.0, 3.0]])])
            ]
        ),
    )
    assert answer.status == "ok"
    assert query(client, f"sum:{name}.dist{{*}}")[0].pointlist_values[0][1] == 6.0


def test_dropped_series_are_reported_and_the_rest_is_kept(client, name):
    good, bad = v2_payload(name, 1.0), v2_payload("", 1.0)
    answer = MetricsV2(client).submit_metrics(body=MetricPayload(series=[good.series[0], bad.series[0]]))
    assert len(answer["errors"]) == 1
    assert len(query(client, f"avg:{name}{{*}}")) == 1


def test_timeseries_with_formulas(client, name):
    send(client, f"{name}.used", 30, tags=["shard:a"])
    send(client, f"{name}.total", 120, tags=["shard:a"])
    request = timeseries(
        {"used": f"avg:{name}.used{{*}} by {{shard}}", "total": f"avg:{name}.total{{*}} by {{shard}}"},
        ["100 * used / total", "used"],
    )
    answer = MetricsV2(client).query_timeseries_data(body=request).data
    assert str(answer.type) == "timeseries_response"
    rows = answer.attributes
    assert [(list(series.group_tags.value if hasattr(series.group_tags, "value") else series.group_tags), series.query_index) for series in rows.series.value] == [
        (["shard:a"], 0),
        (["shard:a"], 1),
    ]
    assert [list(values.value) for values in rows.values.value] == [[25.0], [30.0]]
    assert len(rows.times.value) == 1


def test_scalars_by_group(client, name):
    for shard, value in [("a", 1.0), ("b", 5.0), ("c", 3.0)]:
        send(client, name, value, tags=[f"shard:{shard}"])
    request = ScalarFormulaQueryRequest(
        data=ScalarFormulaRequest(
            type=ScalarFormulaRequestType.SCALAR_REQUEST,
            attributes=ScalarFormulaRequestAttributes(
                formulas=[QueryFormula(formula="a", limit=FormulaLimit(count=2, order=QuerySortOrder.DESC))],
                queries=ScalarFormulaRequestQueries(
                    [
                        MetricsScalarQuery(
                            aggregator=MetricsAggregator.MAX,
                            data_source=MetricsDataSource.METRICS,
                            query=f"max:{name}{{*}} by {{shard}}",
                            name="a",
                        )
                    ]
                ),
                **last_hour(),
            ),
        )
    )
    answer = MetricsV2(client).query_scalar_data(body=request).to_dict()
    assert answer["data"]["type"] == "scalar_response"
    group, number = answer["data"]["attributes"]["columns"]
    assert (group["name"], group["type"], group["values"]) == ("shard", "group", [["b"], ["c"]])
    assert (number["name"], number["type"], number["values"]) == ("a", "number", [5.0, 3.0])


def test_bad_queries_are_refused(client):
    with pytest.raises(ApiException) as refused:
        MetricsV2(client).query_timeseries_data(body=timeseries({"a": "avg:x{*}"}, ["a + b"]))
    assert refused.value.status == 400
    with pytest.raises(ApiException) as refused:
        MetricsV2(client).query_timeseries_data(body=timeseries({"a": "avg:x{*"}, ["a"]))
    assert refused.value.status == 400


def test_metric_metadata(client, name):
    with pytest.raises(NotFoundException):
        MetricsV1(client).get_metric_metadata(name)
    send(client, name, 1)
    assert MetricsV1(client).get_metric_metadata(name).type == "gauge"
    change = MetricMetadata(description="of a test", unit="byte", per_unit="second", type="count")
    changed = MetricsV1(client).update_metric_metadata(name, body=change)
    assert (changed.description, changed.unit, changed.per_unit, changed.type) == ("of a test", "byte", "second", "count")


def test_metric_lists(client, name):
    send(client, name, 1, host="ac.lists", tags=["unit:e2e"])
    now = int(time.time())
    assert name in MetricsV1(client).list_active_metrics(_from=now - 3600).metrics
    assert name in MetricsV1(client).list_active_metrics(_from=now - 3600, host="ac.lists").metrics
    assert MetricsV1(client).list_active_metrics(_from=now - 3600, tag_filter="unit:none").metrics == []
    assert name in MetricsV1(client).list_metrics(q=name).results.metrics
    filtered = MetricsV2(client).list_tag_configurations(filter_tags="unit:e2e AND NOT unit:other")
    assert name in [entry.id for entry in filtered.data]
    paged = [entry.id for entry in MetricsV2(client).list_tag_configurations_with_pagination(page_size=2)]
    assert name in paged and len(paged) == len(set(paged))


def test_tag_configurations(client, name):
    metrics = MetricsV2(client)
    send(client, name, 1, tags=["app:a", "datacenter:b"])
    kind = MetricTagConfigurationType.MANAGE_TAGS
    attributes = MetricTagConfigurationCreateAttributes(
        tags=["app", "datacenter"], metric_type=MetricTagConfigurationMetricTypes.GAUGE
    )
    data = MetricTagConfigurationCreateData(type=kind, id=name, attributes=attributes)
    made = metrics.create_tag_configuration(name, body=MetricTagConfigurationCreateRequest(data=data)).data
    assert sorted(made.attributes.tags) == ["app", "datacenter"]
    with pytest.raises(ApiException) as twice:
        metrics.create_tag_configuration(name, body=MetricTagConfigurationCreateRequest(data=data))
    assert twice.value.status == 409
    assert metrics.list_tag_configuration_by_name(name).data.id == name
    update = MetricTagConfigurationUpdateRequest(
        data=MetricTagConfigurationUpdateData(
            type=kind, id=name, attributes=MetricTagConfigurationUpdateAttributes(tags=["app"])
        )
    )
    assert metrics.update_tag_configuration(name, body=update).data.attributes.tags == ["app"]
    configured = metrics.list_tag_configurations(filter_configured=True).data
    assert name in [entry.id for entry in configured]
    tags = metrics.list_tags_by_metric_name(name).data.attributes
    assert tags.tags == ["app:a"] and "datacenter:b" in tags.ingested_tags
    metrics.delete_tag_configuration(name)
    with pytest.raises(NotFoundException):
        metrics.delete_tag_configuration(name)


def test_bulk_tag_configuration(client, name):
    send(client, f"{name}.one", 1)
    send(client, f"{name}.two", 1)
    request = MetricBulkTagConfigCreateRequest(
        data=MetricBulkTagConfigCreate(
            type=MetricBulkConfigureTagsType.BULK_MANAGE_TAGS,
            id=name,
            attributes=MetricBulkTagConfigCreateAttributes(tags=["host"]),
        )
    )
    answer = MetricsV2(client).create_bulk_tags_metrics_configuration(body=request).data
    assert (answer.id, answer.attributes.status) == (name, "Accepted")
    for metric in ["one", "two"]:
        assert MetricsV2(client).list_tag_configuration_by_name(f"{name}.{metric}").data.attributes.tags == ["host"]


def test_cardinality(client, name):
    metrics = MetricsV2(client)
    for host in ["ac.1", "ac.2"]:
        for shard in ["a", "b", "c"]:
            send(client, name, 1, host=host, tags=[f"shard:{shard}"])
    volumes = metrics.list_volumes_by_metric_name(name).data
    assert (str(volumes.type), volumes.attributes.indexed_volume) == ("metric_volumes", 6)
    estimate = metrics.estimate_metrics_output_series(name, filter_groups="shard").data
    assert estimate.attributes.estimated_output_series == 3
    deltas = {entry.id: entry.attributes.cardinality_delta for entry in metrics.get_metric_tag_cardinality_details(name).data}
    assert deltas == {"shard": 4, "host": 3}
    assets = metrics.list_metric_assets(name).data
    assert (str(assets.type), assets.id) == ("metrics", name)
    query(client, f"max:{name}{{shard:a}} by {{host}}")
    active = metrics.list_active_metric_configurations(name).data
    assert sorted(active.attributes.active_tags) == ["host", "shard"]
    with pytest.raises(NotFoundException):
        metrics.list_volumes_by_metric_name("e2e.never.sent")


def test_hosts_and_tags(client, name):
    host = f"ac.tags.{time.time_ns()}"
    send(client, name, 1, host=host)
    tags = TagsApi(client)
    assert tags.create_host_tags(host, body=HostTags(host=host, tags=["role:ac"])).tags == ["role:ac"]
    assert tags.get_host_tags(host).tags == ["role:ac"]
    assert host in tags.list_host_tags().tags["role:ac"]
    listed = HostsApi(client).list_hosts(filter="role:ac", include_hosts_metadata=True)
    assert host in [entry.name for entry in listed.host_list]
    assert HostsApi(client).get_host_totals().total_up >= 1
    end = int((datetime.now(timezone.utc) + timedelta(hours=1)).timestamp())
    muted = HostsApi(client).mute_host(host, body=HostMuteSettings(end=end, message="in a test"))
    assert (muted.action, muted.hostname) == ("Muted", host)
    assert HostsApi(client).unmute_host(host).action == "Unmuted"
    tags.delete_host_tags(host)
    with pytest.raises(NotFoundException):
        tags.get_host_tags("ac.nobody")


def test_service_checks(client):
    checks = [ServiceCheck(check="ac.check", host_name="ac.host", status=ServiceCheckStatus.OK, tags=["a:b"])]
    assert ServiceChecksApi(client).submit_service_check(body=ServiceChecks(checks)).status == "ok"


def test_keys(galgo, client):
    keys = KeyManagementApi(client)
    label = f"e2e {time.time_ns()}"
    request = APIKeyCreateRequest(
        data=APIKeyCreateData(type=APIKeysType.API_KEYS, attributes=APIKeyCreateAttributes(name=label))
    )
    made = keys.create_api_key(body=request).data
    assert len(made.attributes.key) == 32
    with ApiClient(configuration_of(galgo, api_key=made.attributes.key)) as other:
        assert AuthenticationApi(other).validate().valid is True
    assert [key.id for key in keys.list_api_keys(filter=label).data] == [made.id]
    rename = APIKeyUpdateRequest(
        data=APIKeyUpdateData(
            type=APIKeysType.API_KEYS, id=made.id, attributes=APIKeyUpdateAttributes(name=f"{label} renamed")
        )
    )
    assert keys.update_api_key(made.id, body=rename).data.attributes.name == f"{label} renamed"
    assert keys.get_api_key(made.id).data.attributes.last4 == made.attributes.key[-4:]
    keys.delete_api_key(made.id)
    with pytest.raises(NotFoundException):
        keys.get_api_key(made.id)
    with ApiClient(configuration_of(galgo, api_key=made.attributes.key)) as other:
        with pytest.raises(ForbiddenException):
            AuthenticationApi(other).validate()


def test_application_keys(galgo, client):
    keys = KeyManagementApi(client)
    label = f"e2e {time.time_ns()}"
    request = ApplicationKeyCreateRequest(
        data=ApplicationKeyCreateData(
            type=ApplicationKeysType.APPLICATION_KEYS, attributes=ApplicationKeyCreateAttributes(name=label)
        )
    )
    made = keys.create_current_user_application_key(body=request).data
    assert len(made.attributes.key) == 40
    with ApiClient(configuration_of(galgo, app_key=made.attributes.key)) as other:
        assert UsersApi(other).list_users().data[0].attributes.disabled is False
    assert made.id in [key.id for key in keys.list_current_user_application_keys(filter=label).data]
    assert keys.get_current_user_application_key(made.id).data.id == made.id
    keys.delete_current_user_application_key(made.id)
    with pytest.raises(NotFoundException):
        keys.get_application_key(made.id)


def test_async(galgo, name):
    async def talk():
        async with AsyncApiClient(configuration_of(galgo)) as client:
            metrics = MetricsV2(client)
            await asyncio.gather(*(metrics.submit_metrics(body=v2_payload(name, 2.0, tags=[f"n:{n}"])) for n in range(20)))
            request = timeseries({"a": f"sum:{name}{{*}}"}, ["a"])
            return (await metrics.query_timeseries_data(body=request)).data.attributes

    answer = asyncio.run(talk())
    assert [list(values.value) for values in answer.values.value] == [[40.0]]
