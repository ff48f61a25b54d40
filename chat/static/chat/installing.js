/** Has the browser keep the page for times without a network; or drop it, where the operator
 * wants none.
 */

import { scriptAddress } from "./html.js";
import { storageOf } from "./platform.js";

/** `worker` is the address of the script, empty where none is wanted. */
export async function install({ worker, visitor }) {
  const { serviceWorker } = navigator;
  remember(visitor);
  if (!serviceWorker) return; // plain HTTP
  try {
    if (worker) await serviceWorker.register(scriptAddress(worker));
    else await leave(serviceWorker);
  } catch (error) {
    // forbidden, or no room: the page works without
  }
}

/** So that the page without network, which is nobody's, shows the right one's unsent messages. */
function remember(visitor) {
  try {
    storageOf("localStorage").setItem("expertline.visitor", visitor);
  } catch (error) {
    // full
  }
}

async function leave(serviceWorker) {
  const registrations = await serviceWorker.getRegistrations();
  await Promise.all(registrations.map((registration) => registration.unregister()));
}
