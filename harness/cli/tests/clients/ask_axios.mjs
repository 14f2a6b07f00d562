import axios from "axios";

const [, , base] = process.argv;
const client = axios.create({ headers: { authorization: `Bearer ${process.env.TOKEN}` }, responseType: "text" });
console.log((await client.get(`${base}/issues`)).data);
console.log((await client.post(`${base}/issues`, { title: "a" })).data);
