// On pages after which this device must show no card any more.

import { forgetCard } from "./store.js";

await forgetCard();
