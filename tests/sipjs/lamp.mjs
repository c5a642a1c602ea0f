// A lamp of SIP.js (https://sipjs.com) over WebSocket, for Node: subscribes to an extension, prints the
// note of each NOTIFY, and ends its subscription when the note is "Ringing".
//
//   NODE_MODULES=… node lamp.mjs wss://localhost:8089/ws alice 1000
import { pathToFileURL } from "node:url";

const library = (file) => import(pathToFileURL(`${process.env.NODE_MODULES}/${file}`));
// Browsers have WebSocket, Node gets it from `ws`.
globalThis.WebSocket = (await library("ws/wrapper.mjs")).default;
const { Subscriber, SubscriptionState, UserAgent } = await library("sip.js/lib/index.js");

const [server, user, extension] = process.argv.slice(2);
const host = new URL(server).hostname;
const agent = new UserAgent({
  uri: UserAgent.makeURI(`sip:${user}@${host}`),
  transportOptions: { server, keepAliveInterval: 1 },
  logLevel: "warn",
});
await agent.start();
console.log("connected");

const target = UserAgent.makeURI(`sip:${extension}@${host}`);
const subscriber = new Subscriber(agent, target, "presence", { expires: 600 });
subscriber.delegate = {
  async onNotify(notification) {
    await notification.accept();
    const note = /<note>([^<]*)<\/note>/.exec(notification.request.body)?.[1];
    console.log(`note: ${note}`);
    if (note === "Ringing" && subscriber.state === SubscriptionState.Subscribed) await subscriber.unsubscribe();
  },
};
subscriber.stateChange.addListener(async (state) => {
  console.log(`state: ${state}`);
  if (state === SubscriptionState.Terminated) {
    await agent.stop();
    process.exit(0);
  }
});
await subscriber.subscribe();
