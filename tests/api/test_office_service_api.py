"""Partners, the state of the service and the switches, for the card office's own tools."""

from tests.api.office import AtOffice
from tests.api.stage import Service
from tests.api.test_office import entries
from tests.api.verdicts import verdict

WHY = {"why": "seen in the log"}
MUSEUM = "Museum aan de Stroom (demo)"


def test_a_script_of_security_stops_a_partner_and_takes_it_back(service: Service) -> None:
    desk = AtOffice.log_in(service, "security")
    listed = {one["name"]: one for one in desk.ask("GET", "/partners").json()}
    assert (listed[MUSEUM]["tills"], listed[MUSEUM]["stopped_at"]) == (1, None)
    path = f"/partners/{listed[MUSEUM]['id']}"
    assert desk.ask("POST", f"{path}/stop", WHY).status_code == 204
    assert service.till("museum").scan("").status_code == 401
    assert desk.ask("POST", f"{path}/stop", WHY).status_code == 409
    assert desk.ask("POST", f"{path}/admit").status_code == 204
    assert service.till("museum").scan("").status_code == 200
    assert [entry.action for entry in entries(service)] == ["partner.stop", "partner.admit"]


def test_the_state_of_the_service_and_its_switches_read_the_same_in_json(
    service: Service,
) -> None:
    code = service.web_codes(service.with_card())[0]
    desk = AtOffice.log_in(service, "security")
    before = desk.ask("GET", "/watch").json()
    assert {(key["kind"], key["id"], key["state"]) for key in before["keys"]} >= {
        ("token", 1, "active"),
        ("token", 2, "test"),
        ("pepper", 1, "active"),
    }
    assert {one["alarm_days"] for one in before["certificates"]} <= {None, 60, 30, 14, 7}
    assert (before["issuing_stopped"], before["parked"], before["unsent"]) == (None, 0, 0)
    assert desk.ask("POST", "/watch/stop-issuing", WHY).status_code == 204
    assert desk.ask("POST", "/watch/keys/1/revoke", WHY).status_code == 204
    during = desk.ask("GET", "/watch").json()
    assert during["issuing_stopped"]["why"] == WHY["why"]
    [proposed] = during["revocations"]
    path = f"/watch/revocations/{proposed['id']}"
    yes = WHY | {"approve": True}
    assert desk.ask("POST", path, yes).status_code == 403
    assert AtOffice.log_in(service, "security-second").ask("POST", path, yes).status_code == 204
    assert verdict(service.till().scan(code))["reason"] == "unknown_key"
    assert desk.ask("POST", "/watch/go-on-issuing").status_code == 204
    after = desk.ask("GET", "/watch").json()
    assert (after["issuing_stopped"], after["revocations"]) == (None, [])
    assert ("token", 1, "revoked") in {
        (key["kind"], key["id"], key["state"]) for key in after["keys"]
    }
