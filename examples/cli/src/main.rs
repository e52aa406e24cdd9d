//! A command-line program for the notes API, as a user of `relatch-client` would write it. The whole of its authentication is the
//! client that [`Options::client`] makes.

use std::error::Error;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use relatch_client::http::{Request, header::CONTENT_TYPE};
use relatch_client::{Client, FileStore, Login, Registration, State};
use serde_json::{Value, json};

type Done = Result<(), Box<dyn Error>>;

/// Notes, from the command line.
#[derive(Parser)]
struct Options {
    /// Where one logs in: the server's `issuer.url`.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    issuer: String,
    /// Where the notes are.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    api: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account, and log in.
    Register { name: String, email: String },
    /// Log in; the password is asked for, or read from standard input.
    Login { name: String },
    /// Say who is logged in.
    Whoami,
    /// List the notes.
    List,
    /// Add a note.
    Add { text: String },
    /// List the devices that are logged in.
    Devices,
    /// Log out.
    Logout,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    match options.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", sentence(&*error));
            ExitCode::FAILURE
        }
    }
}

impl Options {
    async fn run(&self) -> Done {
        let client = self.client()?;
        match &self.command {
            Command::Register { name, email } => {
                let password = password()?;
                let login = Login::new(name, &password).device_name("notes");
                let user = client.register(Registration::new(email, login)).await?;
                println!(
                    "Hello, {}. There is an account now, and you are logged in.",
                    user.username
                );
            }
            Command::Login { name } => {
                let password = password()?;
                let login = Login::new(name, &password).device_name("notes");
                let user = client.login(login.remember_me()).await?;
                println!("Hello, {}.", user.username);
            }
            Command::Whoami => whoami(&client).await?,
            Command::List => {
                let request = Request::get(self.notes()).body(Vec::new())?;
                let notes = call(&client, request).await?;
                for note in notes.as_array().into_iter().flatten() {
                    let text = note.get("text").and_then(Value::as_str);
                    println!("{}", text.unwrap_or_default());
                }
            }
            Command::Add { text } => {
                let request = Request::post(self.notes())
                    .header(CONTENT_TYPE, "application/json")
                    .body(json!({ "text": text }).to_string().into_bytes())?;
                let note = call(&client, request).await?;
                println!("Added note {}.", note.get("id").unwrap_or(&Value::Null));
            }
            Command::Devices => {
                for device in client.sessions().await? {
                    let this = if device.current { " (this one)" } else { "" };
                    println!(
                        "{}{this}, last used at {}",
                        device.device, device.last_used_at
                    );
                }
            }
            Command::Logout => {
                client.logout().await?;
                println!("Logged out.");
            }
        }
        Ok(())
    }

    /// One session for this user of this machine, whichever process of this program it is.
    fn client(&self) -> Result<Client, Box<dyn Error>> {
        let home = std::env::home_dir().ok_or("there is no home directory")?;
        let file: PathBuf = home.join(".local/state/notes-cli/session.json");
        let client = Client::builder(&self.issuer)
            .store(FileStore::new(file))
            .user_agent(concat!("notes-cli/", env!("CARGO_PKG_VERSION")));
        Ok(client.build()?)
    }

    fn notes(&self) -> String {
        format!("{}/notes", self.api)
    }
}

/// The error with its causes.
fn sentence(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// What the disk knows is told at once, and what the server knows only if it says so.
async fn whoami(client: &Client) -> Done {
    match client.state().await? {
        State::Out(Some(ended)) => println!("Nobody: {ended}."),
        State::Out(None) => println!("Nobody."),
        _ => {
            let user = client.user().await?;
            println!("{} <{}>", user.username, user.email);
        }
    }
    Ok(())
}

/// What the API answers, or why it does not.
async fn call(client: &Client, request: Request<Vec<u8>>) -> Result<Value, Box<dyn Error>> {
    let answer = client.fetch(request).await?;
    if !answer.status().is_success() {
        return Err(format!("the notes API answered {}", answer.status()).into());
    }
    Ok(serde_json::from_slice(answer.body())?)
}

fn password() -> Result<String, Box<dyn Error>> {
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password("Password: ")?);
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
