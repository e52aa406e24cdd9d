// What an app writes must compile, and what it must not write must not.
import { type Client, createClient, RelatchError, type State, type User } from "../../src/index.js";

const client: Client = createClient({ issuer: "https://api.example.com", delivery: "cookie", bound: true });

export async function usage(): Promise<void> {
  const user: User = await client.login({ username: "ada", password: "secret", rememberMe: true });
  const since: number = user.createdAt.getTime();
  const maybe: User | null = await client.user();
  const response: Response = await client.fetch(new URL("https://api.example.com/notes"), { method: "POST" });
  const stop: () => void = client.subscribe((state: State) => state.ended?.at.toISOString());
  const [device] = await client.sessions.list();
  await client.sessions.end(device?.id ?? "");
  const told: boolean = await client.logout();
  stop();
  void [since, maybe, response, told];

  try {
    await client.changePassword({ oldPassword: "a", newPassword: "b" });
  } catch (error) {
    if (error instanceof RelatchError && error.code === "invalid_request") {
      const fields: string[] | undefined = error.errors?.map(({ field }) => field);
      void fields;
    }
  }

  // @ts-expect-error An issuer is needed.
  createClient({});
  // @ts-expect-error There are two deliveries.
  createClient({ issuer: "https://api.example.com", delivery: "header" });
  // @ts-expect-error A state is not to be changed.
  client.state.status = "in";
  // @ts-expect-error A registration takes an address.
  await client.register({ username: "ada", password: "secret" });
}
