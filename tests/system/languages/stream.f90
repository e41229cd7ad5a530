! SPDX-License-Identifier: GPL-3.0-or-later
! stream.f90 ENDPOINT - the run that languages_test.c expects, from Fortran.

module ionwatch
    use, intrinsic :: iso_c_binding
    implicit none

    type, bind(c) :: ionwatch_run
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
    end type ionwatch_run

    type, bind(c) :: ionwatch_frame
        integer(c_size_t) :: size
        integer(c_int64_t) :: step
        real(c_double) :: time
        type(c_ptr) :: cell, pos_f32, pos_f64, vel_f32, vel_f64
        real(c_double) :: potential_energy, kinetic_energy, temperature_K
    end type ionwatch_frame

    interface
        subroutine ionwatch_run_init(run) bind(c)
            import :: ionwatch_run
            type(ionwatch_run), intent(out) :: run
        end subroutine ionwatch_run_init

        subroutine ionwatch_frame_init(frame) bind(c)
            import :: ionwatch_frame
            type(ionwatch_frame), intent(out) :: frame
        end subroutine ionwatch_frame_init

        function ionwatch_open(endpoint, run) result(handle) bind(c)
            import :: c_ptr, c_char, ionwatch_run
            character(kind=c_char), intent(in) :: endpoint(*)
            type(ionwatch_run), intent(in) :: run
            type(c_ptr) :: handle
        end function ionwatch_open

        function ionwatch_send(handle, frame) result(status) bind(c)
            import :: c_ptr, c_int, ionwatch_frame
            type(c_ptr), value :: handle
            type(ionwatch_frame), intent(in) :: frame
            integer(c_int) :: status
        end function ionwatch_send

        function ionwatch_should_stop(handle, reason) result(stop_now) bind(c)
            import :: c_ptr, c_int
            type(c_ptr), value :: handle
            type(c_ptr), intent(out) :: reason
            integer(c_int) :: stop_now
        end function ionwatch_should_stop

        function ionwatch_flush(handle, timeout_ms) result(status) bind(c)
            import :: c_ptr, c_int
            type(c_ptr), value :: handle
            integer(c_int), value :: timeout_ms
            integer(c_int) :: status
        end function ionwatch_flush

        function ionwatch_finish(handle, why) result(status) bind(c)
            import :: c_ptr, c_char, c_int
            type(c_ptr), value :: handle
            character(kind=c_char), intent(in) :: why(*)
            integer(c_int) :: status
        end function ionwatch_finish

        subroutine ionwatch_close(handle, linger_ms) bind(c)
            import :: c_ptr, c_int
            type(c_ptr), intent(inout) :: handle
            integer(c_int), value :: linger_ms
        end subroutine ionwatch_close
    end interface
end module ionwatch

program stream
    use ionwatch
    implicit none

    integer, parameter :: n_atoms = 3
    character(kind=c_char, len=8), target :: words(4) = [character(kind=c_char, len=8) :: &
        'Li' // c_null_char, 'S' // c_null_char, 'stream' // c_null_char, '' // c_null_char]
    character(kind=c_char, len=16), target :: name = 'languages' // c_null_char
    type(c_ptr), target :: species(n_atoms)
    real(c_double), target :: mass_amu(n_atoms) = [6.94_c_double, 32.06_c_double, 6.94_c_double]
    real(c_double), target :: cell(3, 3), x(3, n_atoms), v(3, n_atoms)
    character(len=1000) :: endpoint
    type(ionwatch_run) :: run
    type(ionwatch_frame) :: frame
    type(c_ptr) :: handle, reason
    integer :: atom, axis, step

    species = [c_loc(words(1)), c_loc(words(2)), c_loc(words(1))]
    call get_command_argument(1, endpoint)
    call ionwatch_run_init(run)
    run%code = c_loc(words(3))
    run%name = c_loc(name)
    run%n_atoms = n_atoms
    run%species = c_loc(species)
    run%mass_amu = c_loc(mass_amu)
    run%length_A = 0.529177210903_c_double
    run%time_fs = 0.02418884326586_c_double
    run%energy_eV = 27.211386245988_c_double
    run%timestep = 40.0_c_double
    run%stride = 10
    run%temperature_K = 600.0_c_double
    handle = ionwatch_open(trim(endpoint) // c_null_char, run)
    if (.not. c_associated(handle)) error stop 'open'

    ! A column is a vector of the cell, and an atom: as C has its rows.
    cell(:, 1) = [20.0_c_double, 0.0_c_double, 0.0_c_double]
    cell(:, 2) = [1.0_c_double, 21.0_c_double, 0.0_c_double]
    cell(:, 3) = [0.0_c_double, 2.0_c_double, 22.0_c_double]
    do step = 0, 990, 10
        do atom = 1, n_atoms
            do axis = 1, 3
                x(axis, atom) = atom + 0.01_c_double * step * axis
                v(axis, atom) = 0.001_c_double * atom * axis
            end do
        end do
        call ionwatch_frame_init(frame)
        frame%step = step
        frame%time = 40.0_c_double * step
        frame%cell = c_loc(cell)
        frame%pos_f64 = c_loc(x)
        frame%vel_f64 = c_loc(v)
        frame%potential_energy = -0.5_c_double
        if (ionwatch_send(handle, frame) /= 0) error stop 'send'
        if (ionwatch_should_stop(handle, reason) /= 0) error stop 'stop'
    end do
    if (ionwatch_flush(handle, 10000_c_int) /= 0) error stop 'flush'
    if (ionwatch_finish(handle, 'completed' // c_null_char) /= 0) error stop 'finish'
    call ionwatch_close(handle, 10000_c_int)
    if (c_associated(handle)) error stop 'close'
end program stream
