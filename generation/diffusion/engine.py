"""The diffusion engine: paints batches with SDXL and ControlNets, loads lazily, says what it needs and how it fares.

Knows the contracts and the configuration. Importing it loads no torch: that happens in its studio, on the engine's own
thread, when something is painted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Sequence

from generation.contracts.errors import EngineUnavailable, UnknownStyle
from generation.contracts.events import EngineEvent
from generation.contracts.ports import Job
from generation.contracts.request import DEFAULT_SIDE_PX, KINDS, PaintRequest
from generation.diffusion.config import DiffusionConfig
from generation.diffusion.memory_ladder import climb
from generation.diffusion.outlook import NAME, Outlook
from generation.diffusion.plans import steps_for
from generation.diffusion.studio import Studio
from generation.diffusion.warming import together, warm_up
from generation.diffusion.weights.store import ModelStore
from generation.gpu.history import History

_log = logging.getLogger(__name__)


class DiffusionEngine:
    """Paints with SDXL and ControlNets. Implements `Engine`; paint, warm and unload on one thread only.

    Args:
        config: what it is told.
        store: the weights; made from the configuration when None.
        warm_jobs: gives prepared jobs to warm up with; None warms nothing.

    Attributes:
        name: `diffusion`.
        needs: all four kinds of control image.
        history: what it has lived through.
        store: its weights.

    Raises:
        BadSettings: an unknown plan, profile or override, or a sampler that the plan cannot do with.
    """

    name = NAME
    needs: tuple[str, ...] = KINDS

    def __init__(
        self,
        config: DiffusionConfig,
        *,
        store: ModelStore | None = None,
        warm_jobs: Callable[[], Sequence[Job]] | None = None,
    ) -> None:
        self.history = History()
        self._config = config
        self.store = store or ModelStore(config)
        self._warm_jobs = warm_jobs or tuple
        self._outlook = Outlook(config, self.store)
        self._studio = Studio(config, self.store, outlook=self._outlook, history=self.history)
        if (plan := self._outlook.plan).approximate:
            _log.info("the sampling plan %s is %s", plan.name, plan.summary)

    @property
    def version(self) -> str:
        """Of the loaded models, or of those that would be loaded now."""
        return self._studio.version

    @property
    def roles(self) -> tuple[str, ...]:
        """The models it needs."""
        return self._config.roles(self._studio.profile.layout)

    @property
    def loaded(self) -> bool:
        """Whether models are in memory."""
        return self._studio.residence is not None

    def trouble(self) -> EngineUnavailable | None:
        """What keeps it from painting, as far as a look at the disk tells; None when it should work. Cheap."""
        return None if self.loaded else self._outlook.trouble(self._studio.profile.layout)

    def batch_key(self, request: PaintRequest) -> Hashable:
        """Size, steps and sampler; everything else is each picture's own."""
        try:
            steps = steps_for(self._outlook.plan, request)
        except UnknownStyle:
            steps = 0  # nothing will be painted of it: preparing refuses it
        return request.width, request.height, steps, self._outlook.sampler

    def batch_limit(self, width: int, height: int) -> int:
        """As the profile recommends for the size, or less where that turned out to be too much."""
        return self._studio.batch_limit(width, height)

    def diagnostics(self) -> dict[str, object]:
        """What it runs on and how it fares; see `generation.gpu.history.Diagnostics`."""
        plan = self._outlook.plan
        return {
            "engine": self.name,
            "version": self.version,
            "plan": plan.name,
            "plan_approximate": plan.approximate,
            "plan_summary": plan.summary,
            "batch_limit": self.batch_limit(DEFAULT_SIDE_PX, DEFAULT_SIDE_PX),
            "weights": self._outlook.weights(self._studio.profile.layout),
            **self._studio.report(),
            **self.history.report(),
        }

    def paint(self, jobs: Sequence[Job]) -> Iterator[EngineEvent]:
        """Paint the jobs together; every uncancelled job ends in exactly one `Done` or `Failed`.

        Jobs that do not go together are painted in several batches, and so are more than fit one.
        """
        alike: dict[Hashable, list[int]] = {}
        for index, job in enumerate(jobs):
            alike.setdefault(self.batch_key(job.request), []).append(index)
        for indices in alike.values():
            request = jobs[indices[0]].request
            limit = self.batch_limit(request.width, request.height)
            for begin in range(0, len(indices), limit):
                yield from climb(self._studio, jobs, indices[begin : begin + limit])

    def warm(self) -> None:
        """With `preload`, load and paint the warm-up words; otherwise, and while weights are missing, nothing.

        Where models are compiled, the words are painted in batches too, so that no learner waits for the compiler.

        Raises:
            EngineError: it cannot be loaded, or cannot paint.
        """
        if not self._config.preload or self.trouble() is not None:
            return
        jobs = self._warm_jobs()
        warm_up(jobs, self.paint, self.history, self._studio.peak_bytes)
        if jobs and self._studio.compiles:  # each number of pictures at once is a program of its own
            request = jobs[0].request
            batches = together(jobs, self.batch_limit(request.width, request.height))
            warm_up(batches, self.paint, self.history, self._studio.peak_bytes)

    def unload(self) -> None:
        """Give every model's memory back; the next `paint` loads again, with the device's own profile."""
        self._studio.leave()
