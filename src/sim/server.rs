//! The HTTP skin: takes requests off the wire, hands them to the door, puts answers back. Nothing else.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::wire::{Asked, Outcome};
use super::world::World;
use super::{Shared, door, lock};

/// The largest request body that is read: far above what any real call needs.
const LARGEST: usize = 16 * 1024 * 1024;

/// Serves a world on an address until the process ends, recording traffic as JSON lines when a file is named.
///
/// # Errors
/// When the address cannot be bound or the file not be written.
pub async fn serve(address: &str, world: World, record: Option<&Path>) -> io::Result<()> {
    let record = record.map(|path| std::fs::OpenOptions::new().create(true).append(true).open(path)).transpose()?;
    let (listener, url) = bind(address).await?;
    let world = Arc::new(Mutex::new(world));
    lock(&world).url.clone_from(&url);
    writeln!(io::stdout(), "listening on {url}")?;
    io::stdout().flush()?;
    run(listener, world, record).await;
    Ok(())
}

/// Binds an address; tells the listener and its URL.
pub(super) async fn bind(address: &str) -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// Answers until it is aborted.
pub(super) async fn run(listener: TcpListener, world: Shared, record: Option<std::fs::File>) {
    let stage = Arc::new(Stage { world, record: record.map(|file| Mutex::new((file, 0))) });
    let router = Router::new().fallback(take).with_state(stage);
    let service = router.into_make_service_with_connect_info::<Scissors>();
    // axum::serve only ever ends by being aborted: it has no error to tell.
    let _ = axum::serve(Door(listener), service).await;
}

struct Stage {
    world: Shared,
    /// The file, and how many calls stand in it already.
    record: Option<Mutex<(std::fs::File, usize)>>,
}

async fn take(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let headers = parts.headers.iter();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.to_vec(),
    };
    let outcome = door::answer(&stage.world, asked).await;
    stage.write_down();
    match outcome {
        Outcome::Cut => {
            scissors.0.store(true, Ordering::SeqCst);
            plain(StatusCode::OK)
        }
        Outcome::Answered(answer) => {
            let mut response = Response::builder().status(answer.status);
            for (name, value) in &answer.headers {
                response = response.header(name, value);
            }
            response.body(Body::from(answer.bytes())).unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

impl Stage {
    fn write_down(&self) {
        let Some(Ok(mut record)) = self.record.as_ref().map(Mutex::lock) else { return };
        let lines: Vec<String> = {
            let world = lock(&self.world);
            let secrets = world.secrets();
            world.ledger.calls().iter().skip(record.1).map(|call| call.traffic(&secrets)).collect()
        };
        for line in lines {
            record.1 += 1;
            // A full disk must not end the play.
            let _ = writeln!(record.0, "{line}");
        }
    }
}

/// Once true, the connection takes and gives nothing more.
#[derive(Debug, Clone)]
struct Scissors(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Door>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().scissors.clone()
    }
}

/// A listener whose connections can be cut.
struct Door(TcpListener);

impl Listener for Door {
    type Io = Thread;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Thread { stream, scissors: Scissors(Arc::new(AtomicBool::new(false))) }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that can be cut before its answer is written.
struct Thread {
    stream: TcpStream,
    scissors: Scissors,
}

impl Thread {
    fn whole(&self) -> io::Result<()> {
        let cut = self.scissors.0.load(Ordering::SeqCst);
        if cut { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Thread {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Thread {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
