"""The API's own client holds the sandbox to the real contract: its strict models must take every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from importer.sandbox import Settings, serving

debitura = pytest.importorskip("debitura_debt_collection")

if TYPE_CHECKING:
    from collections.abc import Iterator

# The generated names of the arguments that carry a body.
CREATE = "debitura_web_external_api_contracts_v1_cases_requests_create_collection_case_request_api_view_model"
PREVIEW = "debitura_web_external_api_contracts_v1_cases_requests_preview_case_request_api_view_model"

ADVANCE = "debitura_web_external_api_contracts_v1_cases_requests_advance_test_case_request"


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    database = tmp_path_factory.mktemp("official") / "sandbox.db"
    with serving(database, Settings()) as url:
        configuration = debitura.Configuration(host=url, api_key={"ApiKey": "sandbox"})
        with debitura.ApiClient(configuration) as client:
            yield client
            client.rest_client.pool_manager.clear()


def request_model(name: str) -> Any:
    (model,) = (getattr(debitura.models, found) for found in dir(debitura.models) if found.endswith(name))
    return model


def a_request(**members: Any) -> Any:
    debtor = {
        "type": "Private",
        "name": "Jane Invented",
        "address": "1 Example Street",
        "city": "Los Angeles",
        "countryAlpha2": "US",
        "stateAlpha2": "CA",
    }
    body = {"currencyCode": "USD", "date": "2025-01-15", "amountToRecover": 250.75, "debtor": debtor} | members
    return request_model("CreateCollectionCaseRequestApiViewModel").from_dict(body)


def test_the_official_client_makes_a_case_and_finds_it_by_all_three_identifiers(official: Any) -> None:
    cases = debitura.CasesApi(official)
    made = cases.cases_post(
        **{
            CREATE: a_request(
                creditorReference="official-1",
                comments="Seen by the partner",
                amountToRecoverOver12Months=100,
                amountToRecoverOver24Months=50.5,
                creditorDivisionId="3fa85f64-5717-4562-b3fc-2c963f66afa6",
                assignedUserEmail="colleague@creditor.example",
            )
        }
    )

    assert (made.creditor_reference, made.gross_amount, made.currency) == ("official-1", 250.75, "USD")
    assert made.debtor.state_alpha2 == "CA"
    assert cases.cases_id_get(id=made.id) == made
    assert cases.cases_case_reference_case_reference_get(case_reference=made.reference) == made
    assert cases.cases_by_creditor_reference_creditor_reference_get(creditor_reference="official-1") == made


def test_the_official_client_lists_cases(official: Any) -> None:
    cases = debitura.CasesApi(official)
    made = [
        cases.cases_post(**{CREATE: a_request(creditorReference=f"listed-{number}", isTest=True)}) for number in (1, 2)
    ]

    listed = cases.cases_get(page=1, page_size=2, ids=[case.id for case in made], sort="DateCreated:asc")

    assert listed.cases == made
    assert (listed.page.total_results, listed.page.total_pages) == (2, 1)


def test_the_official_client_reads_a_pending_case(official: Any) -> None:
    greek = {
        "type": "Company",
        "name": "Example AE",
        "address": "Odos 1",
        "city": "Athens",
        "countryAlpha2": "GR",
    }

    made = debitura.CasesApi(official).cases_post(**{CREATE: a_request(debtor=greek, allowPendingContracts=True)})

    assert made.lifecycle == "PendingContractSigning"
    assert made.signing_handoff.combined_signing_url.startswith("https://app.debitura.com/")


def test_the_official_client_advances_a_test_case_and_reads_its_payment(official: Any) -> None:
    made = debitura.CasesApi(official).cases_post(**{CREATE: a_request(isTest=True)})
    order = request_model("AdvanceTestCaseRequest").from_dict({"to": "Closed:Paid", "amount": 250.75})

    moved = debitura.TestCasesApi(official).test_cases_id_advance_post(id=made.id, **{ADVANCE: order})

    assert (moved.advanced, moved.state) == (True, "Closed:Paid")
    (payment,) = debitura.CasesApi(official).cases_id_payments_get(id=made.id)
    assert (payment.gross_amount, payment.invoice.invoice_id) == (250.75, made.id)
    told = debitura.CasesApi(official).cases_id_get(id=made.id)
    assert (told.lifecycle, told.close_code, told.remainder) == ("Closed", "Paid", 0)


def test_the_official_client_reads_a_preview(official: Any) -> None:
    body = {"currencyCode": "EUR", "amountToRecover": 100, "debtor": {"type": "Company", "countryAlpha2": "GR"}}
    asked = request_model("PreviewCaseRequestApiViewModel").from_dict(body)

    answer = debitura.CasesApi(official).cases_preview_post(**{PREVIEW: asked})

    assert answer.result.is_eligible is True
    assert [action.type for action in answer.result.required_actions] == ["MissingPowerOfAttorney"]
    assert answer.result.jurisdiction.name == "Greece"


def test_the_official_client_reads_the_account_and_its_agreement(official: Any) -> None:
    assert debitura.MeApi(official).me_get().company_name == "Invented Creditor (sandbox)"
    assert debitura.ContractsApi(official).contracts_debt_collection_status_get().signed is True


def test_the_official_client_looks_after_webhooks_and_reads_their_events(official: Any) -> None:
    webhooks, log = debitura.WebhooksApi(official), debitura.WebhookEventsApi(official)
    asked = request_model("WebhooksDtosCreateWebhookRequest").from_dict(
        {"url": "https://hooks.example.com/", "events": ["case.updated"], "isTestMode": True}
    )
    made = webhooks.webhooks_post(debitura_domain_model_webhooks_dtos_create_webhook_request=asked)
    case = debitura.CasesApi(official).cases_post(**{CREATE: a_request(creditorReference="hooked", isTest=True)})
    fired = debitura.TestWebhooksApi(official).test_webhooks_fire_post(
        debitura_web_external_api_contracts_v1_cases_requests_fire_webhook_request=request_model(
            "FireWebhookRequest"
        ).from_dict({"event": "case.updated", "caseId": case.id})
    )
    (event,) = log.webhooks_events_get(case_id=case.id)
    replayed = log.webhooks_events_id_replay_post(id=event.id)
    tested = webhooks.webhooks_id_test_post(id=made.id)
    change = request_model("WebhooksDtosUpdateWebhookRequest").from_dict({"isActive": False})
    changed = webhooks.webhooks_id_patch(id=made.id, debitura_domain_model_webhooks_dtos_update_webhook_request=change)

    assert (made.is_active, made.is_test_mode, len(made.secret)) == (True, True, 44)
    assert (fired.enqueued_count, fired.event_type) == (1, "case.updated")
    assert (event.subscription_id, event.event_type) == (made.id, "case.updated")
    assert replayed.event_id == event.id
    assert tested.success is False
    assert (changed.is_active, changed.secret) == (False, None)
    assert webhooks.webhooks_id_get(id=made.id) == changed
    assert [one.id for one in webhooks.webhooks_get()] == [made.id]
    webhooks.webhooks_id_delete(id=made.id)
    assert webhooks.webhooks_get() == []


def test_the_official_client_talks_about_a_case(official: Any) -> None:
    cases = debitura.CasesApi(official)
    case = cases.cases_post(**{CREATE: a_request(creditorReference="talked-about")})
    body = request_model("SendChatRequest").from_dict({"message": "Hello", "userEmail": "a@creditor.example"})
    said = cases.cases_id_chats_post(id=case.id, debitura_web_external_api_contracts_v1_chats_send_chat_request=body)

    assert cases.cases_id_chats_get(id=case.id) == [said]
    assert (said.message, said.user.email) == ("Hello", "a@creditor.example")
