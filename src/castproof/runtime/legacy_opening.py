"""How PyTorch opens each kind of file. Only `castproof.runtime.legacy` calls this, once the user agreed.

What the loaders of PyTorch 2.15 run:

- `torch.load(weights_only=False)` unpickles: any Python code can be in the file.
- `torch.export.load` takes the example inputs with `weights_only=True` and, where that fails, again without it; it
  unpickles any tensor that the file marks so, and opaque constants, and evaluates the text of symbolic sizes. Any
  Python code can be in that file, too.
- `torch.jit.load` calls no Python, but TorchScript has operations such as `aten::save` and `aten::from_file`, which
  write and read files when the model is called.
"""

import io
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from castproof.errors import ModelFileError
from castproof.runtime.legacy_kind import LegacyKind

if TYPE_CHECKING:
    import torch


def _open_module(data: bytes) -> tuple["torch.nn.Module", int | None]:
    import torch

    module = torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"it is a {type(module).__name__}, not a torch.nn.Module")
    return _frozen(module.float().eval()), None


def _open_torchscript(data: bytes) -> tuple["torch.nn.Module", int | None]:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        module = torch.jit.load(io.BytesIO(data), map_location="cpu")  # type: ignore[no-untyped-call]
    return _frozen(module.float().eval()), None


def _open_exported(data: bytes) -> tuple["torch.nn.Module", int | None]:
    import torch

    program = torch.export.load(io.BytesIO(data))
    names = program.graph_signature.user_inputs
    if len(names) != 1:
        raise TypeError(f"it takes {len(names)} inputs, not photos alone")
    taken = next(node.meta["val"] for node in program.graph.nodes if node.name == names[0])
    module = program.module(
        check_guards=False
    )  # its guards cannot be traced; sizes are checked before it is called
    _make_traceable(module)
    # It has the one mode that it was exported in, and refuses to be asked for another.
    module.train = partial(_as_it_is, module)  # type: ignore[assignment]
    return _frozen(module), taken.shape[0] if isinstance(taken.shape[0], int) else None


def _frozen(module: "torch.nn.Module") -> "torch.nn.Module":
    for parameter in module.parameters():  # TorchScript has no requires_grad_ for all of them
        parameter.requires_grad_(False)
    return module


OPENERS: Final = {
    LegacyKind.PICKLED_MODULE: _open_module,
    LegacyKind.TORCHSCRIPT: _open_torchscript,
    LegacyKind.EXPORTED_PROGRAM: _open_exported,
}


def _make_traceable(module: "torch.fx.GraphModule") -> None:
    """Let sizes be asked for by methods of tensors: those of operators become constants when they are traced."""
    methods = {f"aten::{name}": name for name in ("view", "reshape", "expand", "repeat", "unflatten")}
    methods["aten::sym_size"] = "size"
    for node in module.graph.nodes:
        method = methods.get(getattr(node.target, "_schema", node).name)
        if node.op == "call_function" and method is not None:
            node.op, node.target = "call_method", method
    module.recompile()


def _as_it_is(module: "torch.nn.Module", _mode: bool = True) -> "torch.nn.Module":
    return module


def cannot_open(path: Path, kind: LegacyKind, error: Exception) -> ModelFileError:
    """Return what to tell where an opener failed."""
    fix = "Open it with the PyTorch version that wrote it, and write it again from there."
    if kind is LegacyKind.PICKLED_MODULE and isinstance(error, AttributeError | ImportError):
        fix = (
            "A pickled module needs the Python code of its class: put the folder of that code into PYTHONPATH, "
            "or write the model with torch.export.save where it can be built."
        )
    return ModelFileError(
        f"PyTorch cannot open {path} ({kind.value}).", found=f"It says: {reason_of(error)}", fix=fix
    )


def reason_of(error: Exception) -> str:
    """Return the line of PyTorch's message that says most; the TorchScript interpreter puts it last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    is_interpreter = lines[0].startswith("The following operation failed")
    return lines[-1 if is_interpreter else 0][:200]
