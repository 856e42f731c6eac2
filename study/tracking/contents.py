"""What a trial's run says beside numbers: the dataset it used, and the model it trained, with its weights."""

from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric
from mlflow.exceptions import MlflowException

from study.ledger.trial import Trial, short
from study.tracking.client import metric_name

READY = "READY"


def log_dataset(client: MlflowClient, run: str, trial: Trial) -> None:
    """Logs the trial's dataset as an input of its run; its digest is the fingerprint of all images and labels."""
    dataset = Dataset(short(trial.data), trial.fingerprint, "study", str(dict(trial.data_params)))
    inputs = [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])]
    try:
        client.log_inputs(run, datasets=inputs)
    except MlflowException:
        # Another launch has stored the same dataset between MLflow's look for it and its own insertion.
        client.log_inputs(run, datasets=inputs)


def log_model(client: MlflowClient, experiment: str, run: str, trial: Trial) -> str:
    """Logs a trained network, whose weights `log_weights` adds; returns the model's identity."""
    params = {"model": short(trial.model), **{key: str(value) for key, value in trial.model_params.items()}}
    tags = {"setting": trial.label, "seed": str(trial.seed)}
    model = client.create_logged_model(
        experiment, f"{short(trial.model)}-{trial.key}", run, tags, params, model_type="torch state dictionary"
    )
    return str(model.model_id)


def log_weights(client: MlflowClient, model: str, weights: Path) -> None:
    """Adds the weights to a logged model, as torch wrote them, which load without running code; ends its making."""
    if weights.exists():
        client.log_model_artifact(model, str(weights))
    client.finalize_logged_model(model, READY)


def metric(name: str, value: float, time: int, trial: Trial, model: str | None) -> Metric:
    """Returns a final metric of a model on the trial's dataset. time: milliseconds since 1970.

    Step 0 throughout is what MLflow draws as bars to compare; any other step makes a line of one point.
    """
    if model is None:
        return Metric(metric_name(name), value, time, 0)
    return Metric(metric_name(name), value, time, 0, model, short(trial.data), trial.fingerprint)
