//! A model, loaded, proven on its golden pictures, and run.
//!
//! Threads are given explicitly and the graph runs in sequence, so that the same picture gives the
//! same boxes on every run and nothing else on the machine decides how many cores are used.
//!
//! An execution provider that was asked for and is not there is an error. Falling back in silence
//! would keep the box running at a tenth of the rate it was dimensioned for.

mod interface;

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU16;
use std::panic::{self, AssertUnwindSafe};
use std::str::FromStr;

use ort::ep::{self, ExecutionProvider};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{Session, SessionInputValue, SessionOutputs};
use ort::value::{DynValue, Tensor, TensorRef};

use crate::clock;
use crate::engine::detection::{Detection, FrameSize};
use crate::link::ModelInfo;

use super::decoder::{DecodeError, Decoder, RawOutput, Values};
use super::golden;
use super::package::{
    InputSize, InputSpec, Layout, ModelPackage, PackageError, SizeInput, SizeOrder,
};
use super::preprocess::{
    CHANNELS, Fit, InputGeometry, InputValues, PictureRef, Prepared, Preprocessor,
};
use super::runtime::{self, RuntimeError};

/// How a model is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads inside one inference.
    pub threads: NonZeroU16,
    /// Longer side of the content in pixels; `None`: the model's default, and the only way for a
    /// model of one size.
    pub long_side_px: Option<u32>,
    pub provider: Provider,
    pub golden: GoldenCheck,
}

/// Whether the golden pictures are run at load. Only benchmarks may skip them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoldenCheck {
    Run,
    Skip,
}

/// What runs the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Cpu,
    Tensorrt,
    Cuda,
    Openvino,
    Xnnpack,
}

/// A loaded model.
pub struct Detector {
    session: Session,
    feed: Feed,
    preprocessor: Preprocessor,
    decoder: Decoder,
    prepared: Prepared,
    long_side_px_max: Option<u32>,
    info: ModelInfo,
}

/// How an input is handed to the model.
struct Feed {
    name: String,
    layout: Layout,
    size_input: Option<SizeInput>,
}

/// What was found in one picture, and when each stage was done (CLOCK_MONOTONIC nanoseconds).
#[derive(Clone, Debug, PartialEq)]
pub struct Detected {
    /// In source pixels, best score first.
    pub detections: Vec<Detection>,
    pub preprocessed_ns: u64,
    pub inferred_ns: u64,
    pub decoded_ns: u64,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("no model was named")]
    NoChoice,
    #[error("the model package cannot be used")]
    Package(#[from] PackageError),
    #[error("ONNX Runtime cannot be used")]
    Runtime(#[from] RuntimeError),
    #[error(
        "the execution provider `{name}` is unknown; there are: cpu, tensorrt, cuda, openvino, xnnpack"
    )]
    UnknownProvider { name: String },
    #[error(
        "the execution provider `{provider}` is not in the ONNX Runtime library {library}; set \
         `provider = \"cpu\"` or install a library that has it"
    )]
    ProviderMissing { provider: Provider, library: String },
    #[error("the execution provider `{provider}` could not be set up")]
    ProviderSetup {
        provider: Provider,
        #[source]
        source: ort::Error,
    },
    #[error("the longer side of the model's input is {got} px; this model allows {min} to {max}")]
    LongSide { got: u32, min: u32, max: u32 },
    #[error(
        "the longer side of the model's input is set to {got} px, and this model takes one size \
         only, {width}x{height} px; leave `input_long_side` out"
    )]
    FixedSize { got: u32, width: u32, height: u32 },
    #[error("ONNX Runtime refused the model file {file}")]
    Load {
        file: String,
        #[source]
        source: ort::Error,
    },
    #[error("the model's {what} is {got}; the manifest promises {expected}")]
    Interface { what: String, got: String, expected: String },
    #[error("a picture cannot be scaled to {width} x {height} pixels")]
    Scale { width: usize, height: usize },
    #[error("inference failed")]
    Run(#[source] ort::Error),
    #[error("the model's answer cannot be taken from ONNX Runtime: an output has no values")]
    Answer,
    #[error("the model's answer cannot be read")]
    Decode(#[from] DecodeError),
    #[error("golden picture {file} cannot be decoded")]
    GoldenPicture {
        file: String,
        #[source]
        source: image::ImageError,
    },
    #[error(
        "the model does not find person {person} in the golden picture {file} (score {min_score}, \
         overlap {min_iou} needed); the best it found there: {best}"
    )]
    GoldenNotFound {
        file: String,
        /// Counted from 1, in the order of the manifest.
        person: usize,
        min_score: f32,
        min_iou: f64,
        best: String,
    },
    #[error(
        "the model finds {got} people with a score of {score} or more in the golden picture {file}; \
         there are at most {max}"
    )]
    GoldenTooMany { file: String, score: f32, got: usize, max: usize },
}

impl Detector {
    /// Verifies, loads and proves a model. Takes a second or two.
    pub fn load(package: &ModelPackage, options: &Options) -> Result<Detector, ModelError> {
        let mut detector = Detector::open(package, options)?;
        if options.golden == GoldenCheck::Run {
            detector.prove(package)?;
        }
        Ok(detector)
    }

    /// The same without its golden pictures: whoever opens it proves it, too, before it may guard.
    pub fn open(package: &ModelPackage, options: &Options) -> Result<Detector, ModelError> {
        let manifest = package.manifest();
        let fit = fit(package, options.long_side_px)?;
        let provider = options.provider.to_string();
        let variant = package.variant_for(&provider)?;
        let model = package.read_variant(variant)?;
        let runtime = runtime::load()?;
        let load = |source| ModelError::Load {
            file: package.dir().join(&variant.file).display().to_string(),
            source,
        };
        let builder = Session::builder(&runtime.environment).map_err(load)?;
        let builder = settings(builder, options).map_err(load)?;
        let library = runtime.path.display().to_string();
        let mut builder = with_provider(builder, options.provider, library)?;
        let session = builder.commit_from_memory(&model).map_err(load)?;
        interface::check(&session, manifest)?;
        Ok(Detector {
            session,
            feed: Feed::new(&manifest.input),
            preprocessor: Preprocessor::new(&manifest.input, fit),
            decoder: package.decoder(),
            prepared: Prepared::default(),
            long_side_px_max: match manifest.input.size {
                InputSize::LongSide { max_px, .. } => Some(max_px),
                InputSize::Fixed { .. } => None,
            },
            info: ModelInfo {
                name: manifest.name.clone(),
                version: manifest.version.clone(),
                digest: variant.sha256.to_ascii_lowercase(),
                slot: String::new(),
                provider,
                runtime: runtime.version,
                release: manifest.release,
                ..ModelInfo::default()
            },
        })
    }

    /// Shows the model the golden pictures of its package.
    pub fn prove(&mut self, package: &ModelPackage) -> Result<(), ModelError> {
        for picture in &golden::read(package)? {
            self.with_fit(package, picture.long_side_px(), |detector| picture.check(detector))?;
        }
        Ok(())
    }

    /// Runs `work` at another input size: golden pictures have their own, if the model has several.
    fn with_fit<T>(
        &mut self,
        package: &ModelPackage,
        long_side_px: Option<u32>,
        work: impl FnOnce(&mut Detector) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let input = &package.manifest().input;
        let usual = self.preprocessor.clone();
        let fit = Fit::of(input.size);
        let fit = long_side_px.map_or(fit, |long_side_px| fit.with_long_side(long_side_px));
        self.preprocessor = Preprocessor::new(input, fit);
        let result = work(self);
        self.preprocessor = usual;
        result
    }

    /// The same, known as what this slot holds.
    #[must_use]
    pub fn of_slot(mut self, slot: &str) -> Detector {
        slot.clone_into(&mut self.info.slot);
        self
    }

    /// Name, version, digest of the loaded model.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// How source pictures are to be scaled before they come here.
    pub fn fit(&self) -> Fit {
        self.preprocessor.fit()
    }

    /// The longest side of the content this model allows, pixels; `None` where it takes one size.
    pub fn long_side_px_max(&self) -> Option<u32> {
        self.long_side_px_max
    }

    /// For a thread that prepares pictures while this one runs the model.
    pub fn preprocessor(&self) -> Preprocessor {
        self.preprocessor.clone()
    }

    /// Finds people in a whole picture of content size or larger; boxes come back in pixels of
    /// `source`.
    pub fn detect(
        &mut self,
        picture: &PictureRef<'_>,
        source: FrameSize,
    ) -> Result<Detected, ModelError> {
        self.prepare_and_detect(source, |preprocessor, into| preprocessor.prepare(picture, into))
    }

    /// The same in a picture that is content already, which may be a part of one; boxes come back in
    /// pixels of `source`, of which it is all.
    pub fn detect_content(
        &mut self,
        content: &PictureRef<'_>,
        source: FrameSize,
    ) -> Result<Detected, ModelError> {
        let prepare = |preprocessor: &Preprocessor, into: &mut Prepared| {
            preprocessor.prepare_content(content, into);
        };
        self.prepare_and_detect(source, prepare)
    }

    fn prepare_and_detect(
        &mut self,
        source: FrameSize,
        prepare: impl FnOnce(&Preprocessor, &mut Prepared),
    ) -> Result<Detected, ModelError> {
        let mut prepared = std::mem::take(&mut self.prepared);
        prepare(&self.preprocessor, &mut prepared);
        let preprocessed_ns = clock::monotonic().as_nanos();
        let result = match prepared.geometry() {
            Some(_) => self.detect_prepared(&prepared, source),
            // There was a picture, so silence would be a lie.
            None => {
                let content = self.fit().geometry(source);
                let (width, height) = (content.content_width, content.content_height);
                Err(ModelError::Scale { width, height })
            }
        };
        self.prepared = prepared;
        result.map(|detected| Detected { preprocessed_ns, ..detected })
    }

    /// As `detect`, from an input that another thread prepared.
    pub fn detect_prepared(
        &mut self,
        prepared: &Prepared,
        source: FrameSize,
    ) -> Result<Detected, ModelError> {
        let preprocessed_ns = clock::monotonic().as_nanos();
        let Some(geometry) = prepared.geometry() else {
            // Nothing was ever prepared: there is no picture, so there is nobody in it.
            return Ok(Detected {
                detections: vec![],
                preprocessed_ns,
                inferred_ns: preprocessed_ns,
                decoded_ns: preprocessed_ns,
            });
        };
        let outputs = run(&mut self.session, &self.feed, geometry, prepared.values())?;
        let inferred_ns = clock::monotonic().as_nanos();
        let output = |name: &str| raw_output(outputs.get(name)?);
        let detections = self.decoder.decode(output, geometry, source)?;
        Ok(Detected {
            detections,
            preprocessed_ns,
            inferred_ns,
            decoded_ns: clock::monotonic().as_nanos(),
        })
    }

    /// Inference alone, the answer thrown away: the yardstick of the benchmarks.
    pub fn raw_run(&mut self, prepared: &Prepared) -> Result<(), ModelError> {
        match prepared.geometry() {
            Some(geometry) => {
                run(&mut self.session, &self.feed, geometry, prepared.values()).map(drop)
            }
            None => Ok(()),
        }
    }
}

impl Feed {
    fn new(input: &InputSpec) -> Feed {
        Feed {
            name: input.name.clone(),
            layout: input.layout,
            size_input: input.size_input.clone(),
        }
    }
}

/// One inference. The tensor borrows the prepared values, so that nothing is copied.
fn run<'s>(
    session: &'s mut Session,
    feed: &Feed,
    geometry: InputGeometry,
    values: InputValues<'_>,
) -> Result<SessionOutputs<'s>, ModelError> {
    let (width, height) = (geometry.tensor_width, geometry.tensor_height);
    let shape = match feed.layout {
        Layout::Nchw => [1, CHANNELS, height, width],
        Layout::Nhwc => [1, height, width, CHANNELS],
    };
    let tensor: SessionInputValue<'_> = match values {
        InputValues::F32(values) => {
            TensorRef::from_array_view((shape, values)).map_err(ModelError::Run)?.into()
        }
        InputValues::U8(values) => {
            TensorRef::from_array_view((shape, values)).map_err(ModelError::Run)?.into()
        }
    };
    let mut inputs = vec![(Cow::Borrowed(feed.name.as_str()), tensor)];
    if let Some(size) = &feed.size_input {
        let sides = match size.order {
            SizeOrder::WidthHeight => vec![width as i64, height as i64],
            SizeOrder::HeightWidth => vec![height as i64, width as i64],
        };
        let tensor = Tensor::from_array(([1_usize, 2], sides)).map_err(ModelError::Run)?;
        inputs.push((Cow::Borrowed(size.name.as_str()), tensor.into()));
    }
    // The binding takes some answers for impossible (an output without memory) and panics. A session is
    // not used again after an error.
    match panic::catch_unwind(AssertUnwindSafe(move || session.run(inputs))) {
        Ok(outputs) => outputs.map_err(ModelError::Run),
        Err(_) => Err(ModelError::Answer),
    }
}

/// `None` for a type that no output has which the manifest may name.
fn raw_output(value: &DynValue) -> Option<RawOutput<'_>> {
    if let Ok((shape, values)) = value.try_extract_tensor::<f32>() {
        return Some(RawOutput { shape, values: Values::F32(values) });
    }
    if let Ok((shape, values)) = value.try_extract_tensor::<i64>() {
        return Some(RawOutput { shape, values: Values::I64(values) });
    }
    let (shape, values) = value.try_extract_tensor::<i32>().ok()?;
    Some(RawOutput { shape, values: Values::I32(values) })
}

fn fit(package: &ModelPackage, long_side_px: Option<u32>) -> Result<Fit, ModelError> {
    let size = package.manifest().input.size;
    let Some(got) = long_side_px else {
        return Ok(Fit::of(size));
    };
    match size {
        InputSize::Fixed { width_px: width, height_px: height, fit: _ } => {
            Err(ModelError::FixedSize { got, width, height })
        }
        InputSize::LongSide { multiple: min, max_px: max, .. } => {
            match (min..=max).contains(&got) {
                true => Ok(Fit::of(size).with_long_side(got)),
                false => Err(ModelError::LongSide { got, min, max }),
            }
        }
    }
}

fn settings(builder: SessionBuilder, options: &Options) -> Result<SessionBuilder, ort::Error> {
    let builder = builder
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(usize::from(options.threads.get()))?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_intra_op_spinning(SPINNING)?
        .with_deterministic_compute(true)?;
    Ok(builder)
}

/// Whether idle inference threads burn their core while they wait for the next operator. The box
/// has two cores for decoder, model and guard: a spinning thread takes its time from the guard.
/// Seen on two busy cores with two threads: 61 ms a picture without, 95 ms with.
const SPINNING: bool = false;

fn with_provider(
    builder: SessionBuilder,
    provider: Provider,
    library: String,
) -> Result<SessionBuilder, ModelError> {
    let (available, dispatch) = match provider {
        Provider::Cpu => return Ok(builder),
        Provider::Tensorrt => (ep::TensorRT::is_available(), ep::TensorRT::default().build()),
        Provider::Cuda => (ep::CUDA::is_available(), ep::CUDA::default().build()),
        Provider::Openvino => (ep::OpenVINO::is_available(), ep::OpenVINO::default().build()),
        Provider::Xnnpack => (ep::XNNPACK::is_available(), ep::XNNPACK::default().build()),
    };
    let setup = |source| ModelError::ProviderSetup { provider, source };
    if !available.map_err(setup)? {
        return Err(ModelError::ProviderMissing { provider, library });
    }
    let registered = builder.with_execution_providers([dispatch.error_on_failure()]);
    registered.map_err(|error| setup(error.into()))
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Provider::Cpu => "cpu",
            Provider::Tensorrt => "tensorrt",
            Provider::Cuda => "cuda",
            Provider::Openvino => "openvino",
            Provider::Xnnpack => "xnnpack",
        })
    }
}

impl FromStr for Provider {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Provider, ModelError> {
        match name {
            "cpu" => Ok(Provider::Cpu),
            "tensorrt" => Ok(Provider::Tensorrt),
            "cuda" => Ok(Provider::Cuda),
            "openvino" => Ok(Provider::Openvino),
            "xnnpack" => Ok(Provider::Xnnpack),
            _ => Err(ModelError::UnknownProvider { name: name.to_owned() }),
        }
    }
}
