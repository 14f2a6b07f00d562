const [, , base] = process.argv;
const headers = { authorization: `Bearer ${process.env.TOKEN}` };
console.log(await (await fetch(`${base}/issues`, { headers })).text());
const body = JSON.stringify({ title: "a" });
const json = { ...headers, "content-type": "application/json" };
console.log(await (await fetch(`${base}/issues`, { method: "POST", headers: json, body })).text());
