"""Who is timed. Each has a name and does `forward(volume)` and `adjoint(images)` of a job.

Packages that are not installed leave their contestants out.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from queue import SimpleQueue

import numpy as np
import scipy.fft
from scipy import ndimage

from libtilt.backends import AutoBackend, SciPyBackend, SparseBackend
from libtilt.backends.rays import depth_range


class Ours:
    """A backend of this project."""

    def __init__(self, name, backend):
        self.name, self.backend, self.tilts = name, backend, slice(None)

    def takes(self, job):
        return self.backend.unsupported(job.spec()) is None

    def prepare(self, job):
        self.plan = self.backend.plan(job.spec(self.tilts))

    def forward(self, volume):
        return self.plan.forward(volume)

    def adjoint(self, images):
        return self.plan.adjoint(np.ascontiguousarray(images[self.tilts]))


class OursOnSomeTilts(Ours):
    """A slow one, timed on a few of the tilts."""

    def prepare(self, job):
        self.tilts = some_tilts(job)
        super().prepare(job)


def some_tilts(job):
    return slice(0, None, max(1, job.count // 4))


class MapCoordinates:
    """A loop over tilts of `scipy.ndimage.map_coordinates`, one tilt to a thread."""

    name = "map_coordinates, threaded loop"

    def takes(self, job):
        return job.driven == "ray"

    def prepare(self, job):
        self.tilts = some_tilts(job)
        self.spec = job.spec(self.tilts)
        self.pool = ThreadPoolExecutor(job.threads)

    def project(self, job):
        grid, volume = job
        image = np.zeros(volume.shape[1:])
        v, u = np.indices(image.shape)
        for k in depth_range(grid, volume.shape, 1):
            places = [g[0] * u + g[1] * v + g[2] * k + g[3] for g in grid[::-1]]
            image += ndimage.map_coordinates(volume, places, order=1, mode="grid-constant")
        return image

    def forward(self, volume):
        return np.stack(list(self.pool.map(self.project, [(g, volume) for g in self.spec.grids])))


class Astra:
    """ASTRA's linear projector on the CPU, slice by slice on two threads."""

    name = "ASTRA, linear, slice by slice"

    def takes(self, job):
        return find_spec("astra") is not None and not job.tilt_axis_angle and job.driven == "ray"

    def prepare(self, job):
        import astra

        self.astra, self.job = astra, job
        size = job.size
        volume = astra.create_vol_geom(size, size)
        images = astra.create_proj_geom("parallel_vec", size, self.vectors(job))
        self.pool, self.sets = ThreadPoolExecutor(job.threads), SimpleQueue()
        for _ in range(job.threads):
            slots = astra.data2d.create("-vol", volume), astra.data2d.create("-sino", images)
            projector = astra.create_projector("linear", images, volume)
            algorithms = []
            for kind, slot in (("FP", "VolumeDataId"), ("BP", "ReconstructionDataId")):
                settings = astra.astra_dict(kind)
                settings["ProjectorId"], settings["ProjectionDataId"] = projector, slots[1]
                settings[slot] = slots[0]
                algorithms.append(astra.algorithm.create(settings))
            self.sets.put((*slots, *algorithms))

    @staticmethod
    def vectors(job):
        """Ray, center and step of each detector, in its frame: x right, z up, centerd."""
        matrices, middle, center = job.geometry.rotation_matrices, (job.size - 1) / 2, job.size // 2
        step, ray = matrices[:, ::2, 0], matrices[:, ::2, 2]
        place = center + (middle - center) * step - middle
        return np.concatenate([ray, place, step], axis=1) * np.array([1, -1] * 3)

    def forward(self, volume):
        images = np.empty((self.job.count, self.job.size, self.job.size), np.float32)

        def project(y):
            data, sinogram, forward, _ = slots = self.sets.get()
            self.astra.data2d.store(data, volume[:, y])
            self.astra.algorithm.run(forward)
            images[:, y] = self.astra.data2d.get(sinogram)
            self.sets.put(slots)

        list(self.pool.map(project, range(self.job.size)))
        return images

    def adjoint(self, images):
        volume = np.empty(self.job.shape, np.float32)

        def backproject(y):
            data, sinogram, _, adjoint = slots = self.sets.get()
            self.astra.data2d.store(sinogram, images[:, y])
            self.astra.algorithm.run(adjoint)
            volume[:, y] = self.astra.data2d.get(data)
            self.sets.put(slots)

        list(self.pool.map(backproject, range(self.job.size)))
        return volume


class FinufftPlanes:
    """finufft by hand: an FFT along y, then the many-vector 2-D transform."""

    def __init__(self, eps=1e-4, padded=False):
        self.eps, self.padded = eps, padded
        self.name = f"finufft 2-D by hand, eps {eps:g}" + (", padded" if padded else "")

    def takes(self, job):
        return find_spec("finufft") is not None and not job.tilt_axis_angle

    def prepare(self, job):
        import finufft

        self.job, size = job, job.size
        self.period = padded_period(size) if self.padded else size
        frequencies = 2 * np.pi * scipy.fft.fftfreq(self.period)
        steps = job.geometry.rotation_matrices[:, :, 0]
        points = np.outer(steps[:, 2], frequencies), np.outer(steps[:, 0], frequencies)
        self.points = [p.ravel().astype(np.float32) for p in points]
        self.count = size // 2 + 1
        self.phase = np.exp(1j * (size // 2) * frequencies).astype(np.complex64)
        self.plans = {}
        for kind, sign in ((2, -1), (1, 1)):
            plan = finufft.Plan(
                kind,
                (size, size),
                n_trans=self.count,
                eps=self.eps,
                isign=sign,
                dtype="complex64",
                nthreads=job.threads,
            )
            plan.setpts(*self.points)
            self.plans[kind] = plan

    def forward(self, volume):
        size, workers = self.job.size, self.job.threads
        planes = scipy.fft.rfft(volume, axis=1, workers=workers).transpose(1, 0, 2)
        slices = self.plans[2].execute(np.ascontiguousarray(planes))
        slices = slices.reshape(self.count, -1, self.period) * self.phase.conj()
        rows = scipy.fft.ifft(slices, axis=2, workers=workers)[:, :, :size].transpose(1, 0, 2)
        return scipy.fft.irfft(rows, n=size, axis=1, workers=workers)

    def adjoint(self, images):
        size, workers = self.job.size, self.job.threads
        rows = scipy.fft.rfft(images, axis=1, workers=workers)
        slices = scipy.fft.fft(rows, n=self.period, axis=2, workers=workers) * self.phase
        flat = np.ascontiguousarray(slices.transpose(1, 0, 2)).reshape(self.count, -1)
        planes = self.plans[1].execute(flat).transpose(1, 0, 2)
        return scipy.fft.irfft(planes, n=size, axis=1, workers=workers)


def padded_period(size):
    """Return a period at which nothing of a cube wraps into its images at 60 degrees."""
    corner = size / 2 * (np.cos(np.pi / 3) + np.sin(np.pi / 3)) + 2
    return 2 * scipy.fft.next_fast_len(int(np.ceil((corner + size / 2) / 2)))


class FinufftVolume:
    """finufft by hand: the 3-D transform at half of each slice, for any rotation."""

    def __init__(self, eps=1e-4):
        self.eps = eps
        self.name = f"finufft 3-D by hand, eps {eps:g}"

    def takes(self, job):
        return find_spec("finufft") is not None

    def prepare(self, job):
        import finufft

        self.job, size = job, job.size
        u = 2 * np.pi * np.arange(size // 2 + 1) / size
        v = 2 * np.pi * scipy.fft.fftfreq(size)
        plane = np.stack(np.broadcast_arrays(u, v[:, np.newaxis], 0.0), axis=-1)
        points = np.einsum("nij,vuj->invu", job.geometry.rotation_matrices, plane)
        points = (points + np.pi) % (2 * np.pi) - np.pi
        self.points = [p.ravel().astype(np.float32) for p in points[::-1]]
        self.phase = np.exp(-1j * (size // 2) * (u + v[:, np.newaxis])).astype(np.complex64)
        self.plans = {}
        for kind, sign in ((2, -1), (1, 1)):
            plan = finufft.Plan(
                kind, job.shape, eps=self.eps, isign=sign, dtype="complex64", nthreads=job.threads
            )
            plan.setpts(*self.points)
            self.plans[kind] = plan

    def forward(self, volume):
        slices = self.plans[2].execute(volume.astype(np.complex64))
        slices = slices.reshape(self.job.count, *self.phase.shape) * self.phase
        return scipy.fft.irfft2(slices, s=self.job.shape[1:], workers=self.job.threads)

    def adjoint(self, images):
        slices = scipy.fft.rfft2(images, workers=self.job.threads) * self.phase.conj()
        slices[:, :, 1 : (self.job.size + 1) // 2] *= 2
        return self.plans[1].execute(slices.ravel()).real / self.job.size**2


class TorchFourierSlice:
    """torch-fourier-slice: slices of the padded transform, linearly interpolated.

    What it does with images is a reconstruction, divided by how often each frequency was met.
    """

    name = "torch-fourier-slice"

    def takes(self, job):
        return find_spec("torch_fourier_slice") is not None and job.driven == "ray"

    def prepare(self, job):
        import torch

        torch.set_num_threads(job.threads)
        self.torch = torch
        self.matrices = torch.tensor(job.geometry.rotation_matrices, dtype=torch.float32)

    def forward(self, volume):
        from torch_fourier_slice import project_3d_to_2d

        with self.torch.no_grad():
            return project_3d_to_2d(self.torch.from_numpy(volume), self.matrices).numpy()

    def adjoint(self, images):
        from torch_fourier_slice import backproject_2d_to_3d

        with self.torch.no_grad():
            return backproject_2d_to_3d(self.torch.from_numpy(images), self.matrices).numpy()


class DenseProduct:
    """No projection: a matrix product with as many multiply-adds as the rows kernel does."""

    name = "a dense product (sgemm) as large"
    projects = False
    entries = 2.1
    """Of a voxel of the plane, for each tilt."""

    def takes(self, job):
        return True

    def prepare(self, job):
        depth, length, width = job.shape
        side = round((self.entries * job.count * depth * width) ** 0.5)
        rng = np.random.default_rng(0)
        self.matrix = rng.random((side, side), dtype=np.float32)
        self.rows = rng.random((side, length), dtype=np.float32)

    def forward(self, volume):
        self.product = self.matrix @ self.rows
        return volume

    def rest(self):
        """Wait: its threads go on spinning for a while, in the way of whoever comes next."""
        time.sleep(0.3)

    def adjoint(self, images):
        return self.forward(images)


def all_contestants(threads):
    """Everyone whose packages are installed, by name."""
    everyone = [
        Ours("auto", AutoBackend()),
        Ours("sparse", SparseBackend(threads=threads)),
        OursOnSomeTilts("scipy", SciPyBackend(threads=threads)),
    ]
    if find_spec("numba"):
        from libtilt.backends.numba import NumbaBackend

        modes = {"rows": "numba, rows", "exact": "numba, exact", "factorized": "numba, factorized"}
        everyone += [
            Ours(name, NumbaBackend(mode=mode, threads=threads)) for mode, name in modes.items()
        ]
    if find_spec("finufft"):
        from libtilt.backends.fourier import FourierBackend

        everyone += [
            Ours(f"fourier, eps {eps:g}", FourierBackend(eps=eps, threads=threads))
            for eps in (1e-4, 1e-6)
        ]
    everyone += [
        MapCoordinates(),
        Astra(),
        FinufftPlanes(),
        FinufftPlanes(padded=True),
        FinufftPlanes(eps=1e-6, padded=True),
        FinufftVolume(),
        TorchFourierSlice(),
        DenseProduct(),
    ]
    return {contestant.name: contestant for contestant in everyone}
