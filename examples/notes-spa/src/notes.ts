// The notes API, over `client.fetch`, which adds the token and its proof.

export interface Note {
  id: number;
  text: string;
  owner: string;
}

export type Action = "create" | "read" | "update" | "delete";

/** What one may do with one's own notes, and beside that with everybody's. */
export interface Permitted {
  notes: Set<Action>;
  all: Set<Action>;
}

/** What the API did not do. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** The permission that was missing, from `WWW-Authenticate`. */
    readonly permission: string | undefined,
  ) {
    super(`the notes API answered ${status}`);
  }
}

type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** The notes of whoever is logged in. */
export class Notes {
  constructor(private readonly fetch: Fetch) {}

  async list(): Promise<Note[]> {
    return (await this.send("GET", "/notes")).json();
  }

  async add(text: string): Promise<Note> {
    return (await this.send("POST", "/notes", { text })).json();
  }

  async change(id: number, text: string): Promise<Note> {
    return (await this.send("PUT", `/notes/${id}`, { text })).json();
  }

  async delete(id: number): Promise<void> {
    await this.send("DELETE", `/notes/${id}`);
  }

  /** So that nothing is offered which the API would refuse. It decides all the same. */
  async permitted(): Promise<Permitted> {
    const may = (await (await this.send("GET", "/permissions")).json()) as {
      notes: Action[];
      "all-notes": Action[];
    };
    return { notes: new Set(may.notes), all: new Set(may["all-notes"]) };
  }

  private async send(method: string, path: string, body?: unknown): Promise<Response> {
    const init: RequestInit =
      body === undefined
        ? { method }
        : { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await this.fetch(new URL(path, location.origin).href, init);
    if (response.ok) return response;
    const missing = response.headers.get("WWW-Authenticate")?.match(/scope="([^"]+)"/);
    throw new Refused(response.status, missing?.[1]);
  }
}
