// The scanner page in each of its states, drawn by its own code from sample values; the last part
// of the address names the state.

const styles = document.querySelector('link[href$="scanner/scanner.css"]').href;
const view = await import(new URL("view.js", styles));

const AT = Date.parse("2026-11-23T14:05:09Z");
const web = { carrier: "web", grade: "live", advice: [], test: false, offline: false, repeat: false };
const valid = { ...web, valid: true, reason: "ok", holder: { initials: "AV" }, expires_on: "2026-12-31" };
const refused = { ...web, valid: false, grade: null, holder: null };
const apple = { ...valid, carrier: "apple", grade: "recent", advice: ["check_id"] };
const offlineApple = { ...valid, carrier: "apple", grade: "static", offline: true, expires_on: null };
const offlineWeb = { ...valid, offline: true, expires_on: null, repeat: true };
const unchecked = (obstacle) => ({ ...refused, carrier: null, offline: true, obstacle });
const line = (minutes, what) => ({ id: String(minutes), at: AT - minutes * 60_000, ...what });

const online = { isOffline: false, ageS: 30, obstacle: null, waiting: 0 };
const offline = { isOffline: true, ageS: 2800, obstacle: null, waiting: 3 };
const stopped = { isOffline: true, ageS: 90_000, obstacle: "list_too_old", waiting: 3 };

const STATES = {
  enrol: () => view.showPanel("enrol"),
  "enrol-refused": () => {
    view.showPanel("enrol");
    view.showEnrolFault("enrol.refused");
  },
  ready: () => ready(),
  camera: () => ready({ camera: { isOn: true, torch: true, zoom: { min: 1, max: 5, step: 0.1 } } }),
  "camera-refused": () => ready({ camera: { isOn: false, trouble: "refused" } }),
  checking: () => ready({ then: view.showBusy }),
  valid: () => ready({ verdict: valid }),
  "valid-look": () => ready({ verdict: apple }),
  "valid-no-initials": () => ready({ verdict: { ...valid, carrier: null, grade: "static", holder: null } }),
  "not-valid": () => ready({ verdict: { ...refused, reason: "not_valid" } }),
  "already-used": () => ready({ verdict: { ...refused, reason: "already_used" } }),
  "foreign-code": () => ready({ verdict: { ...refused, carrier: null, reason: "foreign_code" } }),
  "test-card": () => ready({ verdict: { ...refused, reason: "test_card", test: true } }),
  practice: () => ready({ till: { test: true }, verdict: { ...valid, test: true } }),
  offline: () => ready({ connection: offline }),
  "offline-valid": () => ready({ connection: offline, verdict: offlineWeb }),
  "offline-copy": () => ready({ connection: offline, verdict: offlineApple }),
  "offline-number": () => ready({ connection: offline, verdict: unchecked("needs_network") }),
  "offline-too-long": () => ready({ connection: stopped, verdict: unchecked("list_too_old") }),
  shift: () => ready({ lines: [
    line(1, valid),
    line(4, { ...refused, reason: "already_used" }),
    line(9, apple),
    line(20, offlineApple),
    line(31, { ...offlineApple, later: { valid: true, reason: "ok" } }),
    line(32, { ...offlineApple, later: { valid: false, reason: "not_valid" } }),
  ] }),
  settings: () => ready({ then: () => openFold(1) }),
};

function ready({ till = {}, camera = { isOn: false }, connection = online, verdict, lines = [], then } = {}) {
  view.showTill({ partner: "Museum De Stoomtrein", till: "Onthaal", test: false, ...till });
  view.showPanel("ready");
  view.showConnection(connection);
  view.showCamera(camera);
  view.showChoices({ minGrade: "static", sound: false, vibration: true });
  view.showShift(lines);
  if (lines.length) openFold(0);
  if (verdict) view.showVerdict(verdict);
  then?.();
}

function openFold(number) {
  document.querySelectorAll("details")[number].open = true;
}

STATES[location.pathname.split("/").at(-1).replace("scanner-", "")]();
