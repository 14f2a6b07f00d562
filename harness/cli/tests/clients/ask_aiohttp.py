import asyncio, os, sys
import aiohttp


async def main():
    headers = {"authorization": "Bearer " + os.environ["TOKEN"]}
    # aiohttp reads no proxy from the environment unless it is told to.
    trust_env = "trust_env" in sys.argv
    async with aiohttp.ClientSession(headers=headers, trust_env=trust_env) as session:
        async with session.get(sys.argv[1] + "/issues") as answer:
            print(await answer.text())
        async with session.post(sys.argv[1] + "/issues", json={"title": "a"}) as answer:
            print(await answer.text())


asyncio.run(main())
