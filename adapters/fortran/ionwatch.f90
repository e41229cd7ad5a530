! SPDX-License-Identifier: BSD-3-Clause
! ionwatch.f90 - libionwatch (include/ionwatch/ionwatch.h) for Fortran: a type that opens, sends,
! asks whether to stop, and closes.  Copy this file, or use the installed one, and link libionwatch.
!
! Nothing here stops the program: a call that fails gives its status where it is asked for, and
! %error() says why.  Frames without a daemon wait in memory, then in a spool file.
module ionwatch
    use, intrinsic :: iso_c_binding
    use, intrinsic :: iso_fortran_env, only: int64, real32, real64
    implicit none
    private

    ! Status of a call; the numbers are those of ionwatch.h.
    integer, parameter, public :: ionwatch_ok = 0, ionwatch_no_memory = 1, ionwatch_invalid = 2, &
        ionwatch_io = 3, ionwatch_refused = 5, ionwatch_full = 6, ionwatch_again = 11, &
        ionwatch_dropped = 13, ionwatch_closed = 14, ionwatch_timeout = 15

    ! CODATA 2018: units of codes that count in atomic units.
    real(real64), parameter, public :: ionwatch_bohr_A = 0.529177210903_real64, &
        ionwatch_atomic_time_fs = 0.024188843265857_real64, &
        ionwatch_hartree_eV = 27.211386245988_real64

    type, public :: ionwatch_stream
        private
        type(c_ptr) :: handle = c_null_ptr
        integer :: n_atoms = 0
        character(len=:), allocatable :: complaint ! of this module; else the library has it
    contains
        procedure, public :: open => stream_open
        generic, public :: send => send_real64, send_real32
        procedure, public :: should_stop => stream_should_stop
        procedure, public :: wanted_stride => stream_wanted_stride
        procedure, public :: flush => stream_flush
        procedure, public :: finish => stream_finish
        procedure, public :: close => stream_close
        procedure, public :: error => stream_error
        procedure, public :: run_id => stream_run_id
        procedure, public :: counts => stream_counts
        procedure, private :: send_real64
        procedure, private :: send_real32
    end type ionwatch_stream

    ! As in ionwatch.h, field by field.
    type, bind(c) :: c_run
        integer(c_size_t) :: size
        type(c_ptr) :: run_id, name, code, code_version
        integer(c_size_t) :: n_atoms
        type(c_ptr) :: species, mass_amu, charge_e
        real(c_double) :: length_A, time_fs, energy_eV, timestep
        integer(c_int64_t) :: stride
        real(c_double) :: temperature_K
        integer(c_int) :: wrapped
        type(c_ptr) :: metadata, spool_dir
        integer(c_int64_t) :: queue_bytes, spool_bytes
        integer(c_int) :: policy
    end type c_run

    type, bind(c) :: c_frame
        integer(c_size_t) :: size
        integer(c_int64_t) :: step
        real(c_double) :: time
        type(c_ptr) :: cell, pos_f32, pos_f64, vel_f32, vel_f64
        real(c_double) :: potential_energy, kinetic_energy, temperature_K
    end type c_frame

    type, bind(c) :: c_stats
        integer(c_size_t) :: size
        integer(c_int64_t) :: sent, acknowledged, dropped, queued_bytes, spooled_bytes
        integer(c_int) :: connected
    end type c_stats

    interface
        subroutine c_run_init(run) bind(c, name='ionwatch_run_init')
            import :: c_run
            type(c_run), intent(out) :: run
        end subroutine c_run_init

        subroutine c_frame_init(frame) bind(c, name='ionwatch_frame_init')
            import :: c_frame
            type(c_frame), intent(out) :: frame
        end subroutine c_frame_init

        function c_open(endpoint, run) result(handle) bind(c, name='ionwatch_open')
            import :: c_ptr, c_run
            type(c_ptr), value :: endpoint
            type(c_run), intent(in) :: run
            type(c_ptr) :: handle
        end function c_open

        function c_send(handle, frame) result(status) bind(c, name='ionwatch_send')
            import :: c_ptr, c_int, c_frame
            type(c_ptr), value :: handle
            type(c_frame), intent(in) :: frame
            integer(c_int) :: status
        end function c_send

        function c_should_stop(handle, reason) result(wish) bind(c, name='ionwatch_should_stop')
            import :: c_ptr, c_int
            type(c_ptr), value :: handle
            type(c_ptr), intent(out) :: reason
            integer(c_int) :: wish
        end function c_should_stop

        function c_wanted_stride(handle) result(stride) bind(c, name='ionwatch_wanted_stride')
            import :: c_ptr, c_int64_t
            type(c_ptr), value :: handle
            integer(c_int64_t) :: stride
        end function c_wanted_stride

        function c_flush(handle, timeout_ms) result(status) bind(c, name='ionwatch_flush')
            import :: c_ptr, c_int
            type(c_ptr), value :: handle
            integer(c_int), value :: timeout_ms
            integer(c_int) :: status
        end function c_flush

        function c_finish(handle, why) result(status) bind(c, name='ionwatch_finish')
            import :: c_ptr, c_char, c_int
            type(c_ptr), value :: handle
            character(kind=c_char), intent(in) :: why(*)
            integer(c_int) :: status
        end function c_finish

        function c_close(handle, linger_ms) result(status) bind(c, name='ionwatch_close')
            import :: c_ptr, c_int
            type(c_ptr), intent(inout) :: handle
            integer(c_int), value :: linger_ms
            integer(c_int) :: status
        end function c_close

        function c_error(handle) result(text) bind(c, name='ionwatch_error')
            import :: c_ptr
            type(c_ptr), value :: handle
            type(c_ptr) :: text
        end function c_error

        function c_run_id(handle) result(text) bind(c, name='ionwatch_run_id')
            import :: c_ptr
            type(c_ptr), value :: handle
            type(c_ptr) :: text
        end function c_run_id

        subroutine c_get_stats(handle, stats) bind(c, name='ionwatch_get_stats')
            import :: c_ptr, c_stats
            type(c_ptr), value :: handle
            type(c_stats), intent(inout) :: stats
        end subroutine c_get_stats

        function c_strlen(text) result(length) bind(c, name='strlen')
            import :: c_ptr, c_size_t
            type(c_ptr), value :: text
            integer(c_size_t) :: length
        end function c_strlen
    end interface

contains

    ! Opens the run.  species(n_atoms): element symbols; masses(n_atoms): amu, by default those of
    ! the elements; charges(n_atoms): e.  length_A, time_fs, energy_eV: one unit of this code in
    ! Angstrom, fs and eV (default 1).  timestep: of the integrator, in units of time; stride: MD
    ! steps from one sent frame to the next.  wrapped: positions are folded into the cell.
    ! metadata(2 n): key, value, key, value, ...  What is not given: see ionwatch_run in ionwatch.h.
    subroutine stream_open(self, species, timestep, masses, charges, length_A, time_fs, energy_eV, &
            stride, temperature_K, wrapped, run_id, name, code, code_version, endpoint, spool_dir, &
            metadata, status)
        class(ionwatch_stream), intent(inout) :: self
        character(len=*), intent(in) :: species(:)
        real(real64), intent(in) :: timestep
        real(real64), intent(in), optional, target, contiguous :: masses(:), charges(:)
        real(real64), intent(in), optional :: length_A, time_fs, energy_eV, temperature_K
        integer, intent(in), optional :: stride
        logical, intent(in), optional :: wrapped
        character(len=*), intent(in), optional :: run_id, name, code, code_version, endpoint, &
            spool_dir, metadata(:)
        integer, intent(out), optional :: status
        character(kind=c_char), allocatable, target :: names(:, :), pairs(:, :)
        character(kind=c_char, len=:), allocatable, target :: id, title, program_name, version, to, &
            spool
        type(c_ptr), allocatable, target :: name_at(:), pair_at(:)
        type(c_run) :: run

        call self%close()
        self%n_atoms = size(species)
        call c_run_init(run)
        run%n_atoms = size(species, kind=c_size_t)
        call c_texts(species, names, name_at)
        run%species = c_loc(name_at)
        run%timestep = timestep
        if (present(masses)) then
            if (size(masses) /= self%n_atoms) then
                call complain(self, 'masses: one for each atom is needed', status)
                return
            end if
            run%mass_amu = c_loc(masses)
        end if
        if (present(charges)) then
            if (size(charges) /= self%n_atoms) then
                call complain(self, 'charges: one for each atom is needed', status)
                return
            end if
            run%charge_e = c_loc(charges)
        end if
        if (present(length_A)) run%length_A = length_A
        if (present(time_fs)) run%time_fs = time_fs
        if (present(energy_eV)) run%energy_eV = energy_eV
        if (present(stride)) run%stride = stride
        if (present(temperature_K)) run%temperature_K = temperature_K
        if (present(wrapped)) run%wrapped = merge(1_c_int, 0_c_int, wrapped)
        run%run_id = c_text(id, run_id)
        run%name = c_text(title, name)
        run%code = c_text(program_name, code)
        run%code_version = c_text(version, code_version)
        run%spool_dir = c_text(spool, spool_dir)
        if (present(metadata)) then
            if (mod(size(metadata), 2) /= 0) then
                call complain(self, 'metadata: a key has no value', status)
                return
            end if
            call c_texts(metadata, pairs, pair_at)
            run%metadata = c_loc(pair_at)
        end if
        self%handle = c_open(c_text(to, endpoint), run)
        if (.not. c_associated(self%handle)) then
            call complain(self, 'out of memory', status)
        else if (present(status)) then
            status = merge(ionwatch_ok, ionwatch_invalid, len(self%error()) == 0)
        end if
    end subroutine stream_open

    ! Sends one frame.  positions(3, n_atoms): unit of length; velocities(3, n_atoms): of the full
    ! step, length by time; cell(3, 3): a column is a vector of the cell; time: since the start of
    ! the run; energies of the whole cell; temperature_K: of this step.
    subroutine send_real64(self, step, time, positions, velocities, cell, potential_energy, &
            kinetic_energy, temperature_K, status)
        class(ionwatch_stream), intent(inout) :: self
        integer(int64), intent(in) :: step
        real(real64), intent(in) :: time
        real(real64), intent(in), target, contiguous :: positions(:, :)
        real(real64), intent(in), optional, target, contiguous :: velocities(:, :)
        real(real64), intent(in), optional :: cell(3, 3)
        real(real64), intent(in), optional :: potential_energy, kinetic_energy, temperature_K
        integer, intent(out), optional :: status
        type(c_frame) :: frame

        call c_frame_init(frame)
        if (.not. is_whole(self, shape(positions), 'positions', status)) return
        frame%pos_f64 = c_loc(positions)
        if (present(velocities)) then
            if (.not. is_whole(self, shape(velocities), 'velocities', status)) return
            frame%vel_f64 = c_loc(velocities)
        end if
        call send_frame(self, frame, step, time, cell, potential_energy, kinetic_energy, &
            temperature_K, status)
    end subroutine send_real64

    ! The same with positions and velocities in single precision.
    subroutine send_real32(self, step, time, positions, velocities, cell, potential_energy, &
            kinetic_energy, temperature_K, status)
        class(ionwatch_stream), intent(inout) :: self
        integer(int64), intent(in) :: step
        real(real64), intent(in) :: time
        real(real32), intent(in), target, contiguous :: positions(:, :)
        real(real32), intent(in), optional, target, contiguous :: velocities(:, :)
        real(real64), intent(in), optional :: cell(3, 3)
        real(real64), intent(in), optional :: potential_energy, kinetic_energy, temperature_K
        integer, intent(out), optional :: status
        type(c_frame) :: frame

        call c_frame_init(frame)
        if (.not. is_whole(self, shape(positions), 'positions', status)) return
        frame%pos_f32 = c_loc(positions)
        if (present(velocities)) then
            if (.not. is_whole(self, shape(velocities), 'velocities', status)) return
            frame%vel_f32 = c_loc(velocities)
        end if
        call send_frame(self, frame, step, time, cell, potential_energy, kinetic_energy, &
            temperature_K, status)
    end subroutine send_real32

    ! True once the daemon has asked the run to end: write what a restart needs, and leave the loop.
    logical function stream_should_stop(self, reason)
        class(ionwatch_stream), intent(in) :: self
        character(len=:), allocatable, intent(out), optional :: reason
        type(c_ptr) :: text

        stream_should_stop = c_should_stop(self%handle, text) /= 0
        if (present(reason)) reason = f_text(text, stream_should_stop)
    end function stream_should_stop

    ! MD steps from frame to frame that the daemon would like; 0 while it has no wish.
    integer(int64) function stream_wanted_stride(self)
        class(ionwatch_stream), intent(in) :: self

        stream_wanted_stride = c_wanted_stride(self%handle)
    end function stream_wanted_stride

    ! Waits until the daemon has all frames on disk, at most so long; without a number for ever.
    subroutine stream_flush(self, timeout_ms, status)
        class(ionwatch_stream), intent(inout) :: self
        integer, intent(in), optional :: timeout_ms
        integer, intent(out), optional :: status
        integer(c_int) :: wait

        wait = -1
        if (present(timeout_ms)) wait = timeout_ms
        call conclude(self, c_flush(self%handle, wait), status)
    end subroutine stream_flush

    ! Says why the run ends, so that it is filed: not before the last job of a run in several.
    subroutine stream_finish(self, why, status)
        class(ionwatch_stream), intent(inout) :: self
        character(len=*), intent(in), optional :: why
        integer, intent(out), optional :: status

        if (present(why)) then
            call conclude(self, c_finish(self%handle, trim(why) // c_null_char), status)
        else
            call conclude(self, c_finish(self%handle, 'completed' // c_null_char), status)
        end if
    end subroutine stream_finish

    ! Waits at most linger_ms (default 5000) for what is not acknowledged; the rest stays in the
    ! spool (ionwatch_again).  Harmless on what is not open.
    subroutine stream_close(self, linger_ms, status)
        class(ionwatch_stream), intent(inout) :: self
        integer, intent(in), optional :: linger_ms
        integer, intent(out), optional :: status
        integer(c_int) :: wait, result

        wait = 5000
        if (present(linger_ms)) wait = linger_ms
        result = ionwatch_ok
        if (c_associated(self%handle)) result = c_close(self%handle, wait)
        call conclude(self, result, status)
    end subroutine stream_close

    ! Why the last call failed; '' when it did not.
    function stream_error(self) result(text)
        class(ionwatch_stream), intent(in) :: self
        character(len=:), allocatable :: text

        if (allocated(self%complaint)) then
            text = self%complaint
        else
            text = f_text(c_error(self%handle), c_associated(self%handle))
        end if
    end function stream_error

    ! 36 characters; '' when nothing is open.
    function stream_run_id(self) result(text)
        class(ionwatch_stream), intent(in) :: self
        character(len=:), allocatable :: text

        text = f_text(c_run_id(self%handle), c_associated(self%handle))
    end function stream_run_id

    ! Frames that were taken, are durable at the daemon, and were dropped.
    subroutine stream_counts(self, sent, acknowledged, dropped)
        class(ionwatch_stream), intent(in) :: self
        integer(int64), intent(out), optional :: sent, acknowledged, dropped
        type(c_stats) :: stats

        stats = c_stats(c_sizeof(stats), 0, 0, 0, 0, 0, 0)
        call c_get_stats(self%handle, stats)
        if (present(sent)) sent = stats%sent
        if (present(acknowledged)) acknowledged = stats%acknowledged
        if (present(dropped)) dropped = stats%dropped
    end subroutine stream_counts

    subroutine send_frame(self, frame, step, time, cell, potential_energy, kinetic_energy, &
            temperature_K, status)
        class(ionwatch_stream), intent(inout) :: self
        type(c_frame), intent(inout) :: frame
        integer(int64), intent(in) :: step
        real(real64), intent(in) :: time
        real(real64), intent(in), optional :: cell(3, 3)
        real(real64), intent(in), optional :: potential_energy, kinetic_energy, temperature_K
        integer, intent(out), optional :: status
        real(c_double), target :: box(3, 3)

        frame%step = step
        frame%time = time
        if (present(cell)) then
            box = cell
            frame%cell = c_loc(box)
        end if
        if (present(potential_energy)) frame%potential_energy = potential_energy
        if (present(kinetic_energy)) frame%kinetic_energy = kinetic_energy
        if (present(temperature_K)) frame%temperature_K = temperature_K
        call conclude(self, c_send(self%handle, frame), status)
    end subroutine send_frame

    subroutine conclude(self, result, status)
        class(ionwatch_stream), intent(inout) :: self
        integer(c_int), intent(in) :: result
        integer, intent(out), optional :: status

        if (allocated(self%complaint)) deallocate (self%complaint)
        if (present(status)) status = int(result)
    end subroutine conclude

    subroutine complain(self, text, status)
        class(ionwatch_stream), intent(inout) :: self
        character(len=*), intent(in) :: text
        integer, intent(out), optional :: status

        self%complaint = text
        if (present(status)) status = ionwatch_invalid
    end subroutine complain

    logical function is_whole(self, extents, what, status)
        class(ionwatch_stream), intent(inout) :: self
        integer, intent(in) :: extents(2)
        character(len=*), intent(in) :: what
        integer, intent(out), optional :: status
        character(len=100) :: text

        is_whole = all(extents == [3, self%n_atoms])
        if (is_whole) return
        write (text, '(2a, i0, a, i0, a, i0, a)') what, '(', extents(1), ', ', extents(2), &
            '): (3, ', self%n_atoms, ') is needed'
        call complain(self, trim(text), status)
    end function is_whole

    ! A text that C can read, without trailing blanks; null where there is none.
    type(c_ptr) function c_text(held, text)
        character(kind=c_char, len=:), allocatable, target, intent(out) :: held
        character(len=*), intent(in), optional :: text

        c_text = c_null_ptr
        if (.not. present(text)) return
        held = trim(text) // c_null_char
        c_text = c_loc(held)
    end function c_text

    ! The same for several, a column each, with a null behind the last address.
    subroutine c_texts(texts, held, at)
        character(len=*), intent(in) :: texts(:)
        character(kind=c_char), allocatable, target, intent(out) :: held(:, :)
        type(c_ptr), allocatable, target, intent(out) :: at(:)
        integer :: i, k

        allocate (held(len(texts) + 1, size(texts)), at(size(texts) + 1))
        held = c_null_char
        at = c_null_ptr
        do i = 1, size(texts)
            do k = 1, len_trim(texts(i))
                held(k, i) = texts(i) (k:k)
            end do
            at(i) = c_loc(held(1, i))
        end do
    end subroutine c_texts

    ! What C has written; '' where nothing is there.
    function f_text(text, there) result(copy)
        type(c_ptr), intent(in) :: text
        logical, intent(in) :: there
        character(len=:), allocatable :: copy
        character(kind=c_char), pointer :: letters(:)
        integer :: i

        if (.not. there .or. .not. c_associated(text)) then
            copy = ''
            return
        end if
        call c_f_pointer(text, letters, [c_strlen(text)])
        allocate (character(len=size(letters)) :: copy)
        do i = 1, size(letters)
            copy(i:i) = letters(i)
        end do
    end function f_text
end module ionwatch
