import { EnvHttpProxyAgent, request, setGlobalDispatcher } from "undici";

const [, , base, agent] = process.argv;
// undici reads no proxy from the environment unless it is told to.
if (agent === "EnvHttpProxyAgent") setGlobalDispatcher(new EnvHttpProxyAgent());
const headers = { authorization: `Bearer ${process.env.TOKEN}` };
console.log(await (await request(`${base}/issues`, { headers })).body.text());
const body = JSON.stringify({ title: "a" });
const json = { ...headers, "content-type": "application/json" };
console.log(await (await request(`${base}/issues`, { method: "POST", headers: json, body })).body.text());
