! SPDX-License-Identifier: BSD-3-Clause
! lj.f90 [STEPS] - a small MD code of the kind that people write themselves, watched by ionwatch.
!
! Liquid argon: 108 atoms, Lennard-Jones, velocity Verlet, constant energy.  Writes lj.xyz (extended
! XYZ) and lj.restart, and goes on from that one.  The lines of ionwatch are marked "! iw".
program lj
    use, intrinsic :: iso_fortran_env, only: int64, real64
    use ionwatch                                                                             ! iw
    implicit none

    integer, parameter :: cells = 3, n = 4 * cells**3, stride = 2
    real(real64), parameter :: a = 5.75_real64, box = cells * a ! Angstrom
    real(real64), parameter :: epsilon = 0.010323_real64, sigma = 3.405_real64, mass = 39.948_real64
    real(real64), parameter :: dt = 5.0_real64, cutoff = 0.5_real64 * box ! fs
    real(real64), parameter :: per_amu = 9.648533212331e-3_real64 ! eV / (Angstrom amu) in Angstrom / fs^2
    real(real64), parameter :: boltzmann = 8.617333262e-5_real64, start_K = 260.0_real64
    real(real64) :: x(3, n), v(3, n), f(3, n), energy, kinetic, edge(3, 3)
    integer(int64) :: step, first, last
    integer :: i, file, status
    logical :: there
    character(len=20) :: word
    character(len=36) :: id
    character(len=:), allocatable :: why
    type(ionwatch_stream) :: watch                                                           ! iw
    logical :: told = .false.                                                                ! iw

    last = 2000
    call get_command_argument(1, word)
    if (len_trim(word) > 0) read (word, *) last
    edge = 0
    do i = 1, 3
        edge(i, i) = box
    end do
    id = ''
    inquire (file='lj.restart', exist=there)
    if (there) then
        open (newunit=file, file='lj.restart', form='unformatted', status='old')
        read (file) first, id, x, v
        close (file)
    else
        first = 0
        call lattice()
        call hot()
    end if
    open (newunit=file, file='lj.xyz', position='append')

    if (len_trim(id) > 0) then                                                               ! iw
        call watch%open([('Ar', i=1, n)], dt, code='lj', stride=stride, wrapped=.true., run_id=id) ! iw
    else
        call watch%open([('Ar', i=1, n)], dt, code='lj', stride=stride, wrapped=.true.)      ! iw
    end if
    id = watch%run_id()                                                                      ! iw

    call forces()
    why = 'completed'
    do step = first, last
        if (mod(step, int(stride, int64)) == 0 .and. (step > first .or. first == 0)) then
            call write_frame()
            call watch%send(step, step * dt, modulo(x, box), v, edge, energy, status=status)  ! iw
            if (status /= ionwatch_ok .and. .not. told) then                                 ! iw
                print '(2a)', 'ionwatch: ', watch%error() ! and the run goes on
                told = .true.
            end if
            if (watch%should_stop(why)) exit                                                 ! iw
            why = 'completed'
        end if
        if (step == last) exit
        v = v + 0.5_real64 * dt * per_amu / mass * f
        x = x + dt * v
        call forces()
        v = v + 0.5_real64 * dt * per_amu / mass * f
    end do
    close (file)
    step = min(step, last)
    open (newunit=file, file='lj.restart', form='unformatted', status='replace')
    write (file) step, id, x, v
    close (file)
    kinetic = 0.5_real64 * mass / per_amu * sum(v**2)
    print '(a, i0, 3a, f0.1, a)', 'step ', step, ', ', why, ', ', &
        2 * kinetic / (3 * (n - 1) * boltzmann), ' K'
    call watch%finish(merge('completed', 'stopped  ', why == 'completed'))                   ! iw
    call watch%close()                                                                       ! iw

contains

    subroutine lattice()
        integer :: i, j, k, atom
        real(real64), parameter :: face(3, 4) = 0.5_real64 * reshape( &
            [0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0], [3, 4])

        atom = 0
        do i = 0, cells - 1
            do j = 0, cells - 1
                do k = 0, cells - 1
                    x(:, atom + 1:atom + 4) = a * (face + spread([i, j, k], 2, 4))
                    atom = atom + 4
                end do
            end do
        end do
    end subroutine lattice

    subroutine hot()
        real(real64) :: draw(3, n, 12)
        integer :: words

        call random_seed(size=words)
        call random_seed(put=[(4711 + i, i=1, words)])
        call random_number(draw)
        v = (sum(draw, 3) - 6) * sqrt(boltzmann * start_K * per_amu / mass)
        v = v - spread(sum(v, 2) / n, 2, n)
    end subroutine hot

    subroutine forces()
        real(real64) :: d(3), r2, s6, shift
        integer :: i, j

        f = 0
        energy = 0
        shift = 4 * epsilon * ((sigma / cutoff)**12 - (sigma / cutoff)**6)
        do i = 1, n - 1
            do j = i + 1, n
                d = x(:, i) - x(:, j)
                d = d - box * anint(d / box)
                r2 = dot_product(d, d)
                if (r2 >= cutoff**2) cycle
                s6 = (sigma**2 / r2)**3
                energy = energy + 4 * epsilon * s6 * (s6 - 1) - shift
                d = d * 24 * epsilon * s6 * (2 * s6 - 1) / r2
                f(:, i) = f(:, i) + d
                f(:, j) = f(:, j) - d
            end do
        end do
    end subroutine forces

    subroutine write_frame()
        integer :: i

        write (file, '(i0)') n
        write (file, '(a, 9(es24.16, 1x), a, g0)') 'Lattice="', edge, &
            '" Properties=species:S:1:pos:R:3:vel:R:3 Time=', step * dt
        do i = 1, n
            write (file, '(a, 6es25.16)') 'Ar', modulo(x(:, i), box), v(:, i)
        end do
    end subroutine write_frame
end program lj
